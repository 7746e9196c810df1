using System.Net;
using Microsoft.Extensions.Logging;

namespace SmartLock.Mqtt.Broker;

/// <summary>What peers do wrong is logged at Debug only: they could fill the log. The counters tell how often.</summary>
internal static partial class BrokerLog
{
    [LoggerMessage(1, LogLevel.Information, "MQTT broker stops: {Connections} connections are told to go.")]
    public static partial void Stopping(ILogger logger, int connections);

    [LoggerMessage(2, LogLevel.Debug, "MQTT connection of {Identity} from {RemoteEndPoint} accepted.")]
    public static partial void Accepted(ILogger logger, string identity, EndPoint? remoteEndPoint);

    [LoggerMessage(3, LogLevel.Debug, "MQTT connection from {RemoteEndPoint} refused: {Reason}.")]
    public static partial void Refused(ILogger logger, EndPoint? remoteEndPoint, MqttReasonCode reason);

    [LoggerMessage(4, LogLevel.Debug, "MQTT connection from {RemoteEndPoint} broke the protocol ({Reason}): {Rule}")]
    public static partial void ProtocolError(ILogger logger, EndPoint? remoteEndPoint, MqttReasonCode reason, string rule);

    [LoggerMessage(5, LogLevel.Error, "MQTT connection from {RemoteEndPoint} failed and is closed; others go on.")]
    public static partial void ConnectionFailed(ILogger logger, EndPoint? remoteEndPoint, Exception exception);

    [LoggerMessage(6, LogLevel.Error, "An in-process MQTT subscriber failed (failure {Count}).")]
    public static partial void HandlerFailed(ILogger logger, long count, Exception exception);

    [LoggerMessage(7, LogLevel.Error, "A deadline of the MQTT broker failed.")]
    public static partial void DeadlineFailed(ILogger logger, Exception exception);

    [LoggerMessage(8, LogLevel.Error, "The MQTT authenticator failed; the connection is refused.")]
    public static partial void AuthenticatorFailed(ILogger logger, Exception exception);
}
