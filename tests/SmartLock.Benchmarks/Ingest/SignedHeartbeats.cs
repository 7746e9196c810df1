using System.Security.Cryptography;
using System.Text.Unicode;

namespace SmartLock.Benchmarks;

/// <summary>
/// Heartbeats as our firmware sends them, signed, made before they are needed: a round has one of each device, in an order of its own.
/// By the clock of the devices a round is one millisecond after the one before, so that each is new and believed.
/// </summary>
internal sealed class SignedHeartbeats
{
    private const int MostBytes = 400;
    private readonly byte[] _bytes;
    private readonly (int Device, int Offset, int Length)[] _all;

    private SignedHeartbeats(byte[] bytes, (int Device, int Offset, int Length)[] all)
    {
        _bytes = bytes;
        _all = all;
    }

    public int Count => _all.Length;

    /// <param name="firstSentAt">Unix milliseconds, of the first round.</param>
    public static SignedHeartbeats Make(HeartbeatFleet fleet, int rounds, long firstSentAt, int seed)
    {
        var order = Enumerable.Range(0, fleet.Count).ToArray();
        var random = new Random(seed);
        var bytes = new byte[(long)fleet.Count * rounds * MostBytes];
        var all = new (int, int, int)[fleet.Count * rounds];
        var (used, count) = (0, 0);
        for (var round = 0; round < rounds; round++)
        {
            random.Shuffle(order);
            foreach (var device in order)
            {
                var length = Write(bytes.AsSpan(used), fleet, device, firstSentAt + round, random.Next(-90, -30));
                all[count++] = (device, used, length);
                used += length;
            }
        }

        return new SignedHeartbeats(bytes, all);
    }

    public ReadOnlySpan<byte> this[int index] => _bytes.AsSpan(_all[index].Offset, _all[index].Length);

    public int DeviceOf(int index) => _all[index].Device;

    /// <summary>One of one device.</summary>
    public static int Write(Span<byte> output, HeartbeatFleet fleet, int device, long sentAt, int rssi)
    {
        const long ConnectedAt = 1_763_690_000_000;
        const string Boot = "9f2c4b1a00d7e368";
        const string CommandId = "01JDXQ4T7M5Q0V8W2Z6C9R1N3K";
        var id = fleet.DeviceIds[device];
        const string Purpose = "v2|sts|";
        Span<byte> signed = stackalloc byte[512];
        var isWritten = Utf8.TryWrite(
            signed,
            null,
            $$"""
            {{Purpose}}{"device_id":"{{id}}","status":"Locked","issue":null,"sent_at":{{sentAt}},"connected_at":{{ConnectedAt}},"boot":"{{Boot}}","command_id":"{{CommandId}}","result":"done","firmware":"1.0.0","uptime_s":{{(sentAt - ConnectedAt) / 1000}},"rssi":{{rssi}},"battery_mv":null,"topics":"own"
            """,
            out var signedLength);
        Span<byte> signature = stackalloc byte[64];
        Convert.TryToHexStringLower(HMACSHA256.HashData(fleet.Keys[device], signed[..signedLength]), signature, out _);
        var members = signed[Purpose.Length..signedLength];
        var tail = ",\"signature\":\""u8;
        var end = "\"}"u8;
        var length = members.Length + tail.Length + signature.Length + end.Length;
        isWritten &= length <= output.Length;
        if (!isWritten)
        {
            throw new ArgumentException("Too short for a heartbeat.", nameof(output));
        }

        members.CopyTo(output);
        tail.CopyTo(output[members.Length..]);
        signature.CopyTo(output[(members.Length + tail.Length)..]);
        end.CopyTo(output[(length - end.Length)..]);
        return length;
    }
}
