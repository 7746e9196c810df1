namespace nanoFramework.M2Mqtt.Exceptions;

public class MqttConnectionException(string message, Exception? innerException) : Exception(message, innerException);

public class MqttClientException(MqttClientErrorCode errorCode) : Exception
{
    public MqttClientErrorCode ErrorCode { get; set; } = errorCode;
}

public enum MqttClientErrorCode
{
    InflightQueueFull = 11,
}
