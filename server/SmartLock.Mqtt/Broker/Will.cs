using SmartLock.Mqtt.Broker.Persistence;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Broker;

/// <summary>What is published when a connection ends without saying goodbye (MQTT 5, 3.1.2.5). As a deadline: the end of its delay.</summary>
internal sealed class Will : Deadline
{
    private readonly BrokerCore _core;
    private readonly byte[] _topic;
    private readonly ReadOnlyMemory<byte> _payload;
    private readonly byte[] _properties;
    private readonly MqttQoS _qos;
    private readonly bool _retain;

    public Will(BrokerCore core, MqttStoredWill stored, MqttIdentity identity)
    {
        _core = core;
        _topic = MqttUtf8.GetBytes(stored.Topic);
        _payload = stored.Payload.ToArray();
        (_qos, _retain) = (stored.QoS, stored.Retain);
        _properties = stored.Properties.ToArray();
        Identity = identity;
        ExpirySeconds = stored.ExpirySeconds;
        DelaySeconds = stored.DelaySeconds;
    }

    public Will(BrokerCore core, MqttWill will, MqttIdentity identity)
    {
        _core = core;
        _topic = MqttUtf8.GetBytes(will.Topic);
        _payload = will.Payload;
        (_qos, _retain) = (will.QoS, will.Retain && !identity.NeverRetains);
        _properties = will.Properties is { } all
            ? OutgoingPublish.EncodeProperties(all with { WillDelayInterval = null, MessageExpiryInterval = null })
            : [];
        Identity = identity;
        ExpirySeconds = will.Properties?.MessageExpiryInterval;
        DelaySeconds = will.Properties?.WillDelayInterval ?? 0;
    }

    public MqttIdentity Identity { get; }

    public uint DelaySeconds { get; }

    /// <summary>Counted from its publication.</summary>
    public uint? ExpirySeconds { get; }

    /// <summary>The session whose client may still come back and cancel it.</summary>
    public Session? Session { get; set; }

    public MqttReasonCode Authorize() => _core.Authorizer.CanPublish(Identity, _topic, _retain, _qos);

    public MqttStoredWill ToStored() => new(MqttUtf8.GetString(_topic), _payload, _properties, _qos, _retain, DelaySeconds, ExpirySeconds);

    public void Publish(ref Turn turn)
    {
        // Asked again: the login may have lost its rights since it connected.
        if (Authorize().IsFailure())
        {
            _core.Counters.Drop(MqttDropReason.NotAuthorized);
            return;
        }

        var publication = new Publication
        {
            Topic = _topic,
            Properties = _properties,
            Payload = _payload.Span,
            QoS = _qos,
            Retain = _retain,
            ExpiresAt = _core.Clock.ExpiryAfter(ExpirySeconds),
            Publisher = Session,
            Identity = Identity,
            ClientId = Session?.ClientId,
        };
        _core.Router.Route(publication, ref turn);
    }

    public override void OnDue(long now)
    {
        var turn = default(Turn);
        try
        {
            if (Session?.TakePendingWill(this, ref turn) == true)
            {
                Publish(ref turn);
            }
        }
        finally
        {
            turn.End(_core.Counters);
        }
    }
}
