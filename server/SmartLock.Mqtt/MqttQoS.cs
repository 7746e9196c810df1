namespace SmartLock.Mqtt;

public enum MqttQoS
{
    AtMostOnce = 0,
    AtLeastOnce = 1,
    ExactlyOnce = 2,
}
