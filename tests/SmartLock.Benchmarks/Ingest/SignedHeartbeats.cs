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
        const string CommandId = "01JDXQ4T7M5Q0V8W2Z6C9R1N3K";
        var id = fleet.DeviceIds[device];
        Span<byte> line = stackalloc byte[200];
        Utf8.TryWrite(line, null, $"v1|sts|{id}|Locked||{sentAt}|{ConnectedAt}|{CommandId}|done", out var lineLength);
        Span<byte> signature = stackalloc byte[64];
        Convert.TryToHexStringLower(HMACSHA256.HashData(fleet.Keys[device], line[..lineLength]), signature, out _);
        var isWritten = Utf8.TryWrite(
            output,
            null,
            $$"""
            {"device_id":"{{id}}","status":"Locked","issue":null,"sent_at":{{sentAt}},"connected_at":{{ConnectedAt}},"command_id":"{{CommandId}}","result":"done","firmware":"1.0.0","uptime_s":{{(sentAt - ConnectedAt) / 1000}},"rssi":{{rssi}},"battery_mv":null,"topics":"own","signature":"
            """,
            out var length);
        isWritten &= signature.TryCopyTo(output[length..]) && "\"}"u8.TryCopyTo(output[(length + signature.Length)..]);
        return isWritten ? length + signature.Length + 2 : throw new ArgumentException("Too short for a heartbeat.", nameof(output));
    }
}
