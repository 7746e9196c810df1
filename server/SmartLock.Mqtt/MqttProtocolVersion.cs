namespace SmartLock.Mqtt;

/// <summary>The protocol level byte of CONNECT. MQTT 3.1 (level 3, "MQIsdp") is not spoken.</summary>
public enum MqttProtocolVersion
{
    Unknown = 0,
    V311 = 4,
    V500 = 5,
}
