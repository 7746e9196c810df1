namespace SmartLock.Mqtt;

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
