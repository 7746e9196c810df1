namespace SmartLock.Mqtt.Broker;

public sealed partial class MqttBroker
{
    private const int DeepestPublish = 8;

    [ThreadStatic]
    private static int _publishDepth;

    /// <summary>
    /// Hands every message that the filter matches to the handler, on the thread that publishes it. Directed messages
    /// (<see cref="PublishTo(string, ReadOnlySpan{byte}, ReadOnlySpan{byte}, MqttQoS, MqttProperties?)"/>) are not seen here.
    /// </summary>
    /// <returns>Dispose of it to unsubscribe; a message under way may still arrive.</returns>
    /// <exception cref="ArgumentException">The filter is not valid.</exception>
    public IDisposable Subscribe(string filter, MqttInboundHandler handler)
    {
        ArgumentNullException.ThrowIfNull(filter);
        ArgumentNullException.ThrowIfNull(handler);
        if (!MqttTopicFilter.IsValid(filter) || MqttTopicFilter.IsShared(filter))
        {
            throw new ArgumentException("Not a valid topic filter; shared ones are for sessions.", nameof(filter));
        }

        var subscription = new Subscription(handler);
        _core.Subscriptions.Add(subscription, MqttUtf8.GetBytes(filter));
        return new InProcessSubscription(_core.Subscriptions, subscription);
    }

    /// <summary>Publishes to everyone subscribed. Never waits for a socket.</summary>
    /// <returns>How many sessions and in-process subscribers were given the message, or have it queued.</returns>
    /// <exception cref="ArgumentException">The topic is not a valid name.</exception>
    public int Publish(
        ReadOnlySpan<byte> topic,
        ReadOnlySpan<byte> payload,
        MqttQoS qos = MqttQoS.AtMostOnce,
        bool retain = false,
        MqttProperties? properties = null)
    {
        // A handler that publishes what it subscribes to would otherwise end the process by its stack.
        if (_publishDepth >= DeepestPublish)
        {
            throw new InvalidOperationException("A handler publishes to itself.");
        }

        _publishDepth++;
        try
        {
            return _core.Router.RouteAlone(Make(topic, payload, qos, retain, properties));
        }
        finally
        {
            _publishDepth--;
        }
    }

    public int Publish(string topic, ReadOnlySpan<byte> payload, MqttQoS qos = MqttQoS.AtMostOnce, bool retain = false, MqttProperties? properties = null)
    {
        return Publish(MqttUtf8.GetBytes(topic), payload, qos, retain, properties);
    }

    /// <summary>
    /// Publishes to one identity only: to those of its sessions, and of identities that see directed messages, that are subscribed to the topic.
    /// Costs the same however many others are subscribed to it. Never retained.
    /// </summary>
    /// <returns>How many sessions were given the message, or have it queued.</returns>
    /// <exception cref="ArgumentException">The topic is not a valid name.</exception>
    public int PublishTo(
        string identityName,
        ReadOnlySpan<byte> topic,
        ReadOnlySpan<byte> payload,
        MqttQoS qos = MqttQoS.AtLeastOnce,
        MqttProperties? properties = null)
    {
        return _core.Router.RouteTo(identityName, Make(topic, payload, qos, retain: false, properties));
    }

    public int PublishTo(
        string identityName,
        string topic,
        ReadOnlySpan<byte> payload,
        MqttQoS qos = MqttQoS.AtLeastOnce,
        MqttProperties? properties = null)
    {
        return PublishTo(identityName, MqttUtf8.GetBytes(topic), payload, qos, properties);
    }

    private Publication Make(ReadOnlySpan<byte> topic, ReadOnlySpan<byte> payload, MqttQoS qos, bool retain, MqttProperties? properties)
    {
        if (!MqttTopic.IsValidName(topic))
        {
            throw new ArgumentException("Not a valid topic name.", nameof(topic));
        }

        return new Publication
        {
            Topic = topic,
            Payload = payload,
            Properties = properties is null ? default : Packets.OutgoingPublish.EncodeProperties(properties with { MessageExpiryInterval = null }),
            QoS = qos,
            Retain = retain,
            ExpiresAt = _core.Clock.ExpiryAfter(properties?.MessageExpiryInterval),
        };
    }

    private sealed class InProcessSubscription(SubscriptionTree tree, Subscription subscription) : IDisposable
    {
        public void Dispose() => tree.Remove(subscription);
    }
}
