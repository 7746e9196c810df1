namespace SmartLock.Mqtt.Client;

public enum MqttPublishOutcome
{
    /// <summary>QoS 0: handed to the network. QoS 1 and 2: acknowledged by the broker.</summary>
    Delivered,

    /// <summary>A QoS 0 message without a connection.</summary>
    NotConnected,

    /// <summary>By the broker, or by a limit the broker had announced; the reason code says why.</summary>
    Refused,

    /// <summary>The client was disposed before the broker answered; the message may or may not have arrived.</summary>
    Abandoned,
}

public readonly record struct MqttPublishResult(MqttPublishOutcome Outcome, MqttReasonCode ReasonCode = MqttReasonCode.Success)
{
    public bool IsDelivered => Outcome == MqttPublishOutcome.Delivered;

    internal static MqttPublishResult Refused(MqttReasonCode reasonCode) => new(MqttPublishOutcome.Refused, reasonCode);
}

/// <summary>What the broker said in its CONNACK.</summary>
public sealed record MqttConnectResult(bool SessionPresent, MqttProperties? Properties);

public enum MqttDisconnectCause
{
    /// <summary><see cref="MqttClient.DisconnectAsync"/> or disposal.</summary>
    Requested,

    /// <summary><see cref="MqttClient.Abort"/> or <see cref="MqttClient.DropConnection"/>.</summary>
    Aborted,

    /// <summary>The broker sent DISCONNECT; the reason code is its own.</summary>
    ByServer,

    ConnectionLost,

    KeepAliveTimeout,

    /// <summary>The broker broke the protocol; the reason code is what it was told.</summary>
    ProtocolViolation,
}

public sealed class MqttConnectedEventArgs(bool sessionPresent, MqttProperties? properties) : EventArgs
{
    public bool SessionPresent { get; } = sessionPresent;

    public MqttProperties? Properties { get; } = properties;
}

public sealed class MqttDisconnectedEventArgs(MqttDisconnectCause cause, MqttReasonCode reasonCode, Exception? exception) : EventArgs
{
    public MqttDisconnectCause Cause { get; } = cause;

    public MqttReasonCode ReasonCode { get; } = reasonCode;

    public Exception? Exception { get; } = exception;
}

public sealed class MqttConnectFailedEventArgs(MqttConnectException exception, TimeSpan retryAfter) : EventArgs
{
    public MqttConnectException Exception { get; } = exception;

    public TimeSpan RetryAfter { get; } = retryAfter;
}
