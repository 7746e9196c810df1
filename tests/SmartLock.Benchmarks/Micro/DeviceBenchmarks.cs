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
    private const string Boot = "9f2c4b1a00d7e368";
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
        _status = Signatures.Sign(_key, Signatures.ForStatus, Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"device_id":"{{DeviceId}}","status":"Locked","issue":null,"sent_at":{{sentAt}},"connected_at":{{sentAt}},"boot":"{{Boot}}","command_id":"{{_command.Id}}","result":"done","firmware":"1.0.0","uptime_s":86400,"rssi":-61,"battery_mv":null,"topics":"own" """)));
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

    /// <summary>Its signature checked, parsed, its time compared.</summary>
    [Benchmark]
    public int JudgeSignedStatus()
    {
        var proof = StatusBelief.ProofOf(_status, StatusSource.Anyone, _key, unsignedAllowed: false);
        Span<byte> scratch = stackalloc byte[StatusMessage.MaxPayloadBytes];
        return StatusMessage.TryParse(_status, scratch, out var message) ? (int)StatusBelief.Of(message, proof, _device!, Now) : -1;
    }

    [Benchmark]
    public int WriteSignedCommand() => CommandMessage.WriteSigned(_command, Boot, _key).Length;
}
