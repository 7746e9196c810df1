namespace SmartLock.Mqtt.Client;

/// <summary>An attempt to connect failed.</summary>
public sealed class MqttConnectException(MqttReasonCode? reasonCode, string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>Of the broker's CONNACK; null when there was none (network, TLS, timeout).</summary>
    public MqttReasonCode? ReasonCode { get; } = reasonCode;

    /// <summary>Whether trying again with the same options can help.</summary>
    public bool IsTransient => ReasonCode is null
        or MqttReasonCode.ServerUnavailable
        or MqttReasonCode.ServerBusy
        or MqttReasonCode.QuotaExceeded
        or MqttReasonCode.ConnectionRateExceeded
        or MqttReasonCode.UnspecifiedError
        or MqttReasonCode.ImplementationSpecificError;
}

/// <summary>The connection is not there, or was lost before the broker answered.</summary>
public sealed class MqttNotConnectedException(string message) : IOException(message);
