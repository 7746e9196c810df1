using System.Buffers;
using System.Collections.Concurrent;

namespace SmartLock.Mqtt.Broker;

/// <summary>
/// Buffers for what waits to be written. Small ones, which nearly all are, go round in a queue of their own: they are taken by publishers'
/// threads and given back by flushers', a pattern in which the shared pool, made per thread, keeps allocating.
/// </summary>
internal static class OutboundBuffers
{
    public const int Small = 1024;

    private const int MostKept = 2048;

    private static readonly ConcurrentQueue<byte[]> Kept = new();
    private static int _kept;

    public static byte[] Rent(int size)
    {
        if (size > Small)
        {
            return ArrayPool<byte>.Shared.Rent(size);
        }

        if (!Kept.TryDequeue(out var buffer))
        {
            return new byte[Small];
        }

        Interlocked.Decrement(ref _kept);
        return buffer;
    }

    public static void Return(byte[] buffer)
    {
        if (buffer.Length != Small)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            return;
        }

        if (Volatile.Read(ref _kept) < MostKept)
        {
            Interlocked.Increment(ref _kept);
            Kept.Enqueue(buffer);
        }
    }
}
