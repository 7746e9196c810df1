using System.Collections.Concurrent;

namespace SmartLock.Mqtt.Broker;

/// <summary>
/// A message kept beyond its publisher's turn: one copy, counted holders. Objects and their buffers are used again, so that QoS 1 and 2 cost
/// no allocation once the broker is warm.
/// </summary>
internal sealed class StoredMessage
{
    private const int PoolSize = 4096;
    private const int LargestPooledBuffer = 1024;

    private static readonly ConcurrentQueue<StoredMessage> Pool = new();
    private static int _pooled;

    private byte[] _buffer;
    private int _topicLength;
    private int _propertiesLength;
    private int _length;
    private int _holders;

    private StoredMessage(int capacity)
    {
        _buffer = new byte[capacity];
    }

    public ReadOnlySpan<byte> Topic => _buffer.AsSpan(0, _topicLength);

    public ReadOnlySpan<byte> Properties => _buffer.AsSpan(_topicLength, _propertiesLength);

    public ReadOnlySpan<byte> Payload => _buffer.AsSpan(_topicLength + _propertiesLength, _length - _topicLength - _propertiesLength);

    /// <summary>The three parts in one, for as long as the message is held.</summary>
    public ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, _length);

    /// <summary>Bytes, as the bounds of queues and of retained messages count them.</summary>
    public int Length => _length;

    public MqttQoS QoS { get; private set; }

    public long ExpiresAt { get; private set; }

    /// <summary>Of a message that is kept: who published it, for subscribers that do not want their own.</summary>
    public SessionKey? Publisher { get; set; }

    /// <summary>From the pool; the caller holds it until <see cref="Release"/>.</summary>
    public static StoredMessage Rent(in Publication publication)
    {
        var length = publication.Topic.Length + publication.Properties.Length + publication.Payload.Length;
        if (!Pool.TryDequeue(out var message))
        {
            message = new StoredMessage(Math.Max(length, 256));
        }
        else
        {
            Interlocked.Decrement(ref _pooled);
            if (message._buffer.Length < length)
            {
                message._buffer = new byte[length];
            }
        }

        message.Fill(publication, length);
        return message;
    }

    /// <summary>Exactly as large as needed and never pooled: for what may stay long, as a retained message or a will.</summary>
    public static StoredMessage Keep(in Publication publication)
    {
        var length = publication.Topic.Length + publication.Properties.Length + publication.Payload.Length;
        var message = new StoredMessage(length);
        message.Fill(publication, length);
        message.Publisher = publication.Publisher?.Key;
        // One holder that never lets go: the garbage collector ends it.
        message._holders++;
        return message;
    }

    public StoredMessage Hold()
    {
        Interlocked.Increment(ref _holders);
        return this;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) > 0)
        {
            return;
        }

        if (_buffer.Length > LargestPooledBuffer || Volatile.Read(ref _pooled) >= PoolSize)
        {
            return;
        }

        Interlocked.Increment(ref _pooled);
        Pool.Enqueue(this);
    }

    public bool HasExpired(long now) => ExpiresAt <= now;

    private void Fill(in Publication publication, int length)
    {
        publication.Topic.CopyTo(_buffer);
        publication.Properties.CopyTo(_buffer.AsSpan(publication.Topic.Length));
        publication.Payload.CopyTo(_buffer.AsSpan(publication.Topic.Length + publication.Properties.Length));
        _topicLength = publication.Topic.Length;
        _propertiesLength = publication.Properties.Length;
        _length = length;
        QoS = publication.QoS;
        ExpiresAt = publication.ExpiresAt;
        _holders = 1;
    }
}
