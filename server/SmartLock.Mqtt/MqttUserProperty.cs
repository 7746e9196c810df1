namespace SmartLock.Mqtt;

/// <summary>A name and value of MQTT 5; a name may occur more than once and order is kept.</summary>
public readonly record struct MqttUserProperty(string Name, string Value);
