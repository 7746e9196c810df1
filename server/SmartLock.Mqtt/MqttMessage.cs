namespace SmartLock.Mqtt;

/// <summary>An application message. <see cref="Properties"/> reach the peer over MQTT 5 only.</summary>
public sealed record MqttMessage(string Topic, ReadOnlyMemory<byte> Payload)
{
    public MqttQoS QoS { get; init; }

    public bool Retain { get; init; }

    public MqttProperties? Properties { get; init; }
}

/// <summary>
/// What the broker publishes when the connection ends without a DISCONNECT. The delay, in seconds, is
/// <see cref="MqttProperties.WillDelayInterval"/>.
/// </summary>
public sealed record MqttWill(string Topic, ReadOnlyMemory<byte> Payload)
{
    public MqttQoS QoS { get; init; }

    public bool Retain { get; init; }

    public MqttProperties? Properties { get; init; }
}
