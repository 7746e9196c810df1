namespace SmartLock.Mqtt.Broker;

/// <summary>What the messages take that sessions hold, each counted once however many sessions hold it.</summary>
internal sealed class HeldBytes
{
    // The object itself and its place in a queue.
    private const int PerMessage = 128;

    private long _bytes;

    public long Bytes => Volatile.Read(ref _bytes);

    public void Add(int length) => Interlocked.Add(ref _bytes, length + PerMessage);

    public void Remove(int length) => Interlocked.Add(ref _bytes, -(length + PerMessage));
}
