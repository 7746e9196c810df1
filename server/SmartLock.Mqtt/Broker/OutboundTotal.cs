namespace SmartLock.Mqtt.Broker;

/// <summary>
/// What waits for the sockets of all connections together. Each may hold its share uncounted, so that one that reads is served whatever
/// others leave unread, and few writes touch this.
/// </summary>
internal sealed class OutboundTotal(long most)
{
    /// <summary>Bytes; a turn's answers and messages for one that reads are seldom more.</summary>
    public const int Share = 4 * 1024;

    private long _bytes;

    /// <summary>Beyond the shares.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    public bool IsFull => Bytes >= most;

    public void Add(int bytes) => Interlocked.Add(ref _bytes, bytes);
}
