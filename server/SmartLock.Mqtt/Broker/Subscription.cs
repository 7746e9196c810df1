namespace SmartLock.Mqtt.Broker;

/// <summary>What a subscriber asked for with one filter (MQTT 5, 3.8.3.1).</summary>
internal readonly record struct SubscriptionOptions(
    MqttQoS QoS,
    bool NoLocal = false,
    bool RetainAsPublished = false,
    uint Identifier = 0);

/// <summary>One entry of the tree: a session's or an in-process handler's. Immutable but for its place in the tree.</summary>
internal sealed class Subscription
{
    public Subscription(Session session, SubscriptionOptions options)
    {
        Session = session;
        Options = options;
    }

    public Subscription(MqttInboundHandler handler)
    {
        Handler = handler;
    }

    public Session? Session { get; }

    public MqttInboundHandler? Handler { get; }

    public SubscriptionOptions Options { get; }

    /// <summary>The share name; null for an ordinary subscription.</summary>
    public string? Group { get; init; }

    /// <summary>As the client wrote it.</summary>
    public string FullFilter => Group is null ? MqttUtf8.GetString(Filter) : $"$share/{Group}/{MqttUtf8.GetString(Filter)}";

    /// <summary>The filter as matched, owned by the set so that thousands of sessions on one filter share one array.</summary>
    public byte[] Filter { get; set; } = [];

    public bool HasWildcard { get; set; }

    /// <summary>Written by the tree alone; null once removed.</summary>
    public SubscriberSet? Set { get; set; }

    public int Slot { get; set; }
}
