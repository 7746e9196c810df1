using Microsoft.Extensions.Logging;

namespace SmartLock.Mqtt.Client;

internal static partial class MqttClientLog
{
    [LoggerMessage(1, LogLevel.Information, "{ClientId} is connected (session present: {SessionPresent}).")]
    public static partial void Connected(this ILogger logger, string clientId, bool sessionPresent);

    [LoggerMessage(2, LogLevel.Information, "{ClientId} is disconnected: {Cause}, {ReasonCode}.")]
    public static partial void Disconnected(
        this ILogger logger,
        string clientId,
        MqttDisconnectCause cause,
        MqttReasonCode reasonCode,
        Exception? exception);

    [LoggerMessage(3, LogLevel.Warning, "{ClientId} could not connect (attempt {Attempt}), next in {Delay}: {Reason}")]
    public static partial void ConnectFailed(this ILogger logger, string clientId, int attempt, TimeSpan delay, string reason);

    [LoggerMessage(4, LogLevel.Warning, "{ClientId}: the broker refused to renew the subscription to {Filter}: {ReasonCode}.")]
    public static partial void ResubscribeRefused(this ILogger logger, string clientId, string filter, MqttReasonCode reasonCode);

    [LoggerMessage(5, LogLevel.Error, "{ClientId}: the handler of a received message failed.")]
    public static partial void HandlerFailed(this ILogger logger, string clientId, Exception exception);

    [LoggerMessage(6, LogLevel.Warning, "{ClientId}: the handler is too slow; {Count} QoS 0 messages were dropped so far.")]
    public static partial void MessagesDropped(this ILogger logger, string clientId, long count);

    [LoggerMessage(7, LogLevel.Debug, "{ClientId}: an acknowledgement found its connection gone ({Error}).")]
    public static partial void AcknowledgementLost(this ILogger logger, string clientId, string error);

    [LoggerMessage(8, LogLevel.Error, "{ClientId}: a listener to {Event} failed.")]
    public static partial void ListenerFailed(this ILogger logger, string clientId, string @event, Exception exception);

    [LoggerMessage(9, LogLevel.Debug, "{ClientId}: subscriptions were not renewed before the connection was lost.")]
    public static partial void ResubscribeInterrupted(this ILogger logger, string clientId);

    [LoggerMessage(10, LogLevel.Debug, "{ClientId}: letting go of a connection failed ({Error}).")]
    public static partial void TransportFailed(this ILogger logger, string clientId, string error);
}
