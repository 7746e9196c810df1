using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace SmartLock.Testing.Scenarios;

/// <summary>
/// The server's half of the protocol as a scenario needs it, written by design.md alone: signs commands, and believes a status only when
/// it is signed rightly and newer than the last, as on a broker that anybody may write to.
/// </summary>
public sealed class ScenarioServer
{
    public const string DeviceId = "ESP32-7C9EBD";
    private const string WrongKey = "ffeeddccbbaa99887766554433221100f0e0d0c0b0a090807060504030201000";

    private readonly Dictionary<string, (string Topic, byte[] Payload, bool Retained)> _commands = [];
    private readonly ConcurrentQueue<string> _seen = new();
    private readonly Func<long> _now;
    private string? _boot;
    private long _lastIssued;
    private long _lastSent;
    private long _connectedAt;
    private long _heard;

    /// <param name="now">Unix milliseconds.</param>
    public ScenarioServer(Func<long> now)
    {
        _now = now;
    }

    /// <summary>The lock's key as the server has it; 64 hexadecimal digits.</summary>
    public string Key { get; private set; } = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    public string OldKey { get; private set; } = WrongKey;

    /// <summary>Statuses and wills, believed or not.</summary>
    public long Heard => Interlocked.Read(ref _heard);

    /// <summary>When the last of them came.</summary>
    public long ReceivedAt { get; private set; }

    public void RotateKey()
    {
        OldKey = Key;
        Key = Convert.ToHexStringLower(SHA256.HashData(Convert.FromHexString(OldKey)));
    }

    /// <summary>What came since the last call, in order.</summary>
    public IReadOnlyList<string> TakeSeen()
    {
        var seen = new List<string>();
        while (_seen.TryDequeue(out var told))
        {
            seen.Add(told);
        }

        return seen;
    }

    public bool HasSeen => !_seen.IsEmpty;

    /// <summary>A command that was made, for sending. The retained flag is not part of it: it is given the first time only.</summary>
    public (string Topic, byte[] Payload, bool Retained) TakeToSend(string id)
    {
        var command = _commands[id];
        _commands[id] = (command.Topic, command.Payload, false);
        return command;
    }

    /// <param name="words">As in a scenario: NAME ID option ...</param>
    public void Make(IReadOnlyList<string> words)
    {
        var (issued, valid, device, key, topic) = (0L, 10_000L, DeviceId, Key, $"smartlock/commands/{DeviceId}");
        foreach (var option in words.Skip(2))
        {
            switch (option.Split('='))
            {
                case ["issued", var time]:
                    issued = Scenario.Milliseconds(time);
                    break;
                case ["valid", var time]:
                    valid = Scenario.Milliseconds(time);
                    break;
                case ["to", var id]:
                    device = id;
                    break;
                case ["key", "old"]:
                    key = OldKey;
                    break;
                case ["key", "wrong"]:
                    key = WrongKey;
                    break;
                case ["topic", "shared"]:
                    topic = "smartlock/commands";
                    break;
                case ["kept" or "retained" or "at-once"]:
                    break;
                default:
                    throw new FormatException($"no such option: {option}");
            }
        }

        var issuedAt = issued == 0 ? NextIssue() : _now() + issued;
        _commands.Add(words[1], (topic, Command(key, device, words[0], words[1], issuedAt, issuedAt + valid, _boot), words.Contains("retained")));
    }

    public void Hear(string topic, byte[] payload)
    {
        ReceivedAt = _now();
        _seen.Enqueue(Read(topic, payload) ?? "not believed");

        // Last: whoever waits for the count finds it in the queue.
        Interlocked.Increment(ref _heard);
    }

    private long NextIssue()
    {
        _lastIssued = Math.Max(_now(), _lastIssued + 1);
        return _lastIssued;
    }

    private static byte[] Command(string key, string device, string name, string id, long issuedAt, long expiresAt, string? boot)
    {
        var members =
            $$"""{"device_id":"{{device}}","command":"{{name}}","command_id":"{{id}}","issued_at":{{issuedAt}},""" +
            $$""" "expires_at":{{expiresAt}},"boot":"{{boot}}" """;
        return Encoding.UTF8.GetBytes($$"""{{members}},"signature":"{{Sign(key, "v2|cmd|" + members)}}"}""");
    }

    /// <summary>Null when it is not believed.</summary>
    private string? Read(string topic, byte[] payload)
    {
        var text = Encoding.UTF8.GetString(payload);
        using var json = JsonDocument.Parse(payload);
        var report = json.RootElement;
        if (topic != $"smartlock/status/{DeviceId}" || Text(report, "device_id") != DeviceId)
        {
            return null;
        }

        return Text(report, "state") is { } state ? ReadWill(text, report, state) : ReadStatus(text, report);
    }

    private string? ReadWill(string text, JsonElement will, string state)
    {
        var isRight = will.GetProperty("connected_at").GetInt64() == _connectedAt && Text(will, "boot") == _boot && IsSigned("v2|will|", text);
        return isRight ? $"{state}, {Text(will, "issue")}" : null;
    }

    private string? ReadStatus(string text, JsonElement report)
    {
        var (status, issue) = (Text(report, "status"), Text(report, "issue"));
        var (command, result) = (Text(report, "command_id"), Text(report, "result"));
        var (sentAt, connectedAt) = (report.GetProperty("sent_at").GetInt64(), report.GetProperty("connected_at").GetInt64());
        if (!IsSigned("v2|sts|", text) || sentAt <= _lastSent)
        {
            return null;
        }

        (_lastSent, _connectedAt, _boot) = (sentAt, connectedAt, Text(report, "boot"));
        var verdict = command is null ? "no verdict" : $"{command} {result}";
        return issue is null ? $"{verdict}, {status}" : $"{verdict}, {status}, {issue}";
    }

    private bool IsSigned(string purpose, string text)
    {
        var members = text[..Math.Max(0, text.LastIndexOf(",\"signature\":", StringComparison.Ordinal))];
        return text == $$"""{{members}},"signature":"{{Sign(Key, purpose + members)}}"}""";
    }

    private static string? Text(JsonElement json, string member) =>
        json.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static string Sign(string keyHex, string line) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Convert.FromHexString(keyHex), Encoding.ASCII.GetBytes(line)));
}
