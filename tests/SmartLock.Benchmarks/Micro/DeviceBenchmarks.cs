using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using BenchmarkDotNet.Attributes;
using SmartLock.Server.Commands;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Messaging;

namespace SmartLock.Benchmarks;

/// <summary>The device protocol's messages: a signed heartbeat in, a signed command out.</summary>
public class DeviceBenchmarks
{
    private const string DeviceId = "ESP32-7C9EBD";
    private static readonly DateTimeOffset Now = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly Command _command =
        new("01JDXAAAAAAAAAAAAAAAAAAAAA", DeviceId, CommandAction.Unlock, "ada", Now, Now.AddSeconds(10), CommandState.Sent, null, null);

    private byte[] _status = [];
    private CachedDevice? _device;

    [GlobalSetup]
    public void SetUp()
    {
        var sentAt = Now.ToUnixTimeMilliseconds();
        var line = string.Create(CultureInfo.InvariantCulture, $"v1|sts|{DeviceId}|Locked||{sentAt}|{sentAt}|{_command.Id}|done");
        var signature = Convert.ToHexStringLower(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(line)));
        _status = Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"device_id":"{{DeviceId}}","status":"Locked","issue":null,"sent_at":{{sentAt}},"connected_at":{{sentAt}},"command_id":"{{_command.Id}}","result":"done","firmware":"1.0.0","uptime_s":86400,"rssi":-61,"battery_mv":null,"topics":"own","signature":"{{signature}}"}"""));
        _device = new CachedDevice(DeviceId, _key, isUnsigned: false);
        if (JudgeSignedStatus() != (int)Belief.Believed)
        {
            throw new InvalidOperationException("The status is not believed.");
        }
    }

    [Benchmark]
    public int ParseStatus()
    {
        Span<byte> scratch = stackalloc byte[StatusMessage.MaxPayloadBytes];
        return StatusMessage.TryParse(_status, scratch, out var message) ? message.DeviceId.Length : -1;
    }

    /// <summary>Parsed, its signature checked, its time compared.</summary>
    [Benchmark]
    public int JudgeSignedStatus()
    {
        Span<byte> scratch = stackalloc byte[StatusMessage.MaxPayloadBytes];
        return StatusMessage.TryParse(_status, scratch, out var message)
            ? (int)StatusBelief.Of(message, StatusSource.Anyone, _device!, unsignedAllowed: false, Now)
            : -1;
    }

    [Benchmark]
    public int WriteSignedCommand() => CommandMessage.WriteSigned(_command, _key).Length;
}
