namespace SmartLock.Mqtt;

/// <summary>When retained messages are sent for a subscription (MQTT 5.0 section 3.8.3.1).</summary>
public enum MqttRetainHandling
{
    SendAtSubscribe = 0,
    SendAtSubscribeIfNew = 1,
    DoNotSend = 2,
}

/// <summary>
/// One topic filter with its options. A 3.1.1 connection carries only the filter and <see cref="MaximumQoS"/>.
/// </summary>
public readonly record struct MqttSubscription(
    string Filter,
    MqttQoS MaximumQoS = MqttQoS.AtMostOnce,
    bool NoLocal = false,
    bool RetainAsPublished = false,
    MqttRetainHandling RetainHandling = MqttRetainHandling.SendAtSubscribe);
