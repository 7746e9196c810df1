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

    [LoggerMessage(9, LogLevel.Error, "The store of MQTT sessions takes no changes (attempt {Attempt}): nothing that rests on them is acknowledged until it does.")]
    public static partial void StoreFails(ILogger logger, long attempt, Exception exception);

    [LoggerMessage(10, LogLevel.Information, "The store of MQTT sessions takes changes again.")]
    public static partial void StoreWorksAgain(ILogger logger);

    [LoggerMessage(11, LogLevel.Warning, "The MQTT broker ends before its store took the last {Changes} changes; no client was told of them.")]
    public static partial void ChangesLost(ILogger logger, int changes);

    [LoggerMessage(12, LogLevel.Information, "MQTT sessions from before: {Sessions} kept with {Messages} messages, {Dropped} ended; {Retained} retained messages.")]
    public static partial void Restored(ILogger logger, int sessions, long messages, int dropped, int retained);
}
