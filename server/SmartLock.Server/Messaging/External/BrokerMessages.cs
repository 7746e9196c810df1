using SmartLock.Mqtt;

namespace SmartLock.Server.Messaging.External;

/// <param name="Topic">As published.</param>
/// <param name="Payload">The handler may keep it.</param>
/// <param name="Retain">The broker had stored it: it may be of any age.</param>
internal readonly record struct BrokerMessage(string Topic, ReadOnlyMemory<byte> Payload, bool Retain);

/// <param name="Filter">
/// May be a shared one (<c>$share/group/filter</c>, MQTT 5). Filters of one client must not overlap: a message goes to the first that matches.
/// </param>
/// <param name="Handle">
/// Called for one message at a time, over all subscriptions. A message is acknowledged when it has returned or thrown. Messages that were not
/// acknowledged when a connection ended are redelivered by an MQTT 5 broker if the client reconnects within its session's expiry.
/// </param>
internal sealed record BrokerSubscription(string Filter, Func<BrokerMessage, CancellationToken, ValueTask> Handle);

internal enum SubscribeOutcome
{
    Granted,
    Refused,

    /// <summary>There was no connection, or it ended before the answer arrived.</summary>
    NotConnected,
}

/// <param name="Outcome">What became of the request.</param>
/// <param name="ReasonCode">The broker's, where it answered.</param>
internal readonly record struct SubscribeResult(SubscribeOutcome Outcome, MqttReasonCode ReasonCode = MqttReasonCode.Success)
{
    public static SubscribeResult NotConnected => new(SubscribeOutcome.NotConnected, MqttReasonCode.UnspecifiedError);
}

internal sealed class BrokerDisconnectedEventArgs(string cause, bool wasRequested = false) : EventArgs
{
    /// <summary>This side sent DISCONNECT because it was asked to stop.</summary>
    public bool WasRequested { get; } = wasRequested;

    /// <summary>For the log.</summary>
    public string Cause { get; } = cause;
}

internal sealed class BrokerConnectFailedEventArgs(string reason, TimeSpan retryAfter) : EventArgs
{
    /// <summary>For the log.</summary>
    public string Reason { get; } = reason;

    public TimeSpan RetryAfter { get; } = retryAfter;
}
