namespace SmartLock.Mqtt.Broker.Persistence;

/// <summary>One thing that a store is to keep, or to forget. Applying one twice in a row is as good as once.</summary>
public abstract record MqttSessionChange
{
    private const int Overhead = 128;

    private protected MqttSessionChange()
    {
    }

    /// <summary>Bytes of memory, roughly, for the bound on what waits.</summary>
    internal virtual int Size => Overhead;

    /// <summary>Lets go of shared memory once the change is committed.</summary>
    internal virtual void Release()
    {
    }
}

/// <summary>A session is new, or its client came or left.</summary>
/// <param name="SessionId">Never given again while anything is stored.</param>
/// <param name="Identity">The login that it belongs to.</param>
/// <param name="ClientId">One of that login's.</param>
public sealed record MqttSessionSaved(long SessionId, string Identity, string ClientId) : MqttSessionChange
{
    /// <summary>How long it outlives its connection.</summary>
    public required TimeSpan Expiry { get; init; }

    public required DateTimeOffset SavedAt { get; init; }

    /// <summary>Null while the client is connected.</summary>
    public DateTimeOffset? LeftAt { get; init; }

    /// <summary>The last message that was sent to the client; a client that is connected may have been sent <see cref="Window"/> more.</summary>
    public long SentThrough { get; init; }

    /// <summary>How many messages may be under way to the client that is connected.</summary>
    public int Window { get; init; }

    /// <summary>Published when the client does not come back in time.</summary>
    public MqttStoredWill? Will { get; init; }
}

/// <param name="Topic">Where it is published.</param>
/// <param name="Payload">What.</param>
/// <param name="Properties">Encoded, as they travel on.</param>
/// <param name="DelaySeconds">From the end of the connection.</param>
/// <param name="ExpirySeconds">From its publication.</param>
public sealed record MqttStoredWill(
    string Topic,
    ReadOnlyMemory<byte> Payload,
    ReadOnlyMemory<byte> Properties,
    MqttQoS QoS,
    bool Retain,
    uint DelaySeconds,
    uint? ExpirySeconds);

/// <summary>With all that belongs to it.</summary>
public sealed record MqttSessionRemoved(long SessionId) : MqttSessionChange;

/// <summary>Takes the place of one with the same filter.</summary>
/// <param name="Filter">As the client asked for it, with <c>$share/group/</c>.</param>
/// <param name="Identifier">Zero: none.</param>
public sealed record MqttSubscriptionSaved(
    long SessionId,
    string Filter,
    MqttQoS QoS,
    bool NoLocal,
    bool RetainAsPublished,
    uint Identifier) : MqttSessionChange;

public sealed record MqttSubscriptionRemoved(long SessionId, string Filter) : MqttSessionChange;

/// <summary>
/// A QoS 1 or 2 message for a session. Sequences of a session rise; the packet identifier that a message is sent under follows from
/// its sequence: (sequence - 1) modulo 65,535, plus 1.
/// </summary>
public sealed record MqttMessageQueued(long SessionId, long Sequence) : MqttSessionChange
{
    /// <summary>UTF-8.</summary>
    public ReadOnlyMemory<byte> Topic { get; init; }

    /// <summary>Encoded, as they travel on.</summary>
    public ReadOnlyMemory<byte> Properties { get; init; }

    public ReadOnlyMemory<byte> Payload { get; init; }

    public required MqttQoS QoS { get; init; }

    public bool Retain { get; init; }

    public IReadOnlyList<uint> SubscriptionIdentifiers { get; init; } = [];

    public DateTimeOffset? ExpiresAt { get; init; }

    internal StoredMessage? Source { get; init; }

    internal override int Size => base.Size + Topic.Length + Properties.Length + Payload.Length;

    internal override void Release() => Source?.Release();
}

/// <summary>The client has a QoS 2 message (PUBREC): only its sequence is needed from here on.</summary>
public sealed record MqttMessageReceived(long SessionId, long Sequence) : MqttSessionChange;

/// <summary>The client has acknowledged a message, or it was dropped.</summary>
public sealed record MqttMessageCompleted(long SessionId, long Sequence) : MqttSessionChange;

/// <summary>A QoS 2 message of the client's was published; its PUBREL is awaited.</summary>
public sealed record MqttIncomingAdded(long SessionId, ushort PacketId) : MqttSessionChange;

public sealed record MqttIncomingRemoved(long SessionId, ushort PacketId) : MqttSessionChange;

/// <summary>For subscribers that do not want their own.</summary>
public sealed record MqttStoredPublisher(string Identity, string ClientId);

/// <summary>Takes the place of the topic's earlier one.</summary>
public sealed record MqttRetainedSaved(ReadOnlyMemory<byte> Topic) : MqttSessionChange
{
    public ReadOnlyMemory<byte> Properties { get; init; }

    public ReadOnlyMemory<byte> Payload { get; init; }

    public required MqttQoS QoS { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Null when the process itself published it.</summary>
    public MqttStoredPublisher? Publisher { get; init; }

    internal override int Size => base.Size + Topic.Length + Properties.Length + Payload.Length;
}

public sealed record MqttRetainedRemoved(ReadOnlyMemory<byte> Topic) : MqttSessionChange;

/// <summary>The broker was alive, with clients connected: after a crash it tells when they were last there. The latest counts.</summary>
public sealed record MqttBrokerAlive(DateTimeOffset At) : MqttSessionChange;
