using SmartLock.Mqtt;

namespace SmartLock.Server.Messaging;

/// <summary>
/// One lasting connection to a broker outside this process. Features subscribe and publish over it; <see cref="ExternalDeviceLink"/>
/// starts and stops it. All members may be called from any thread.
/// </summary>
internal interface IBrokerClient : IAsyncDisposable
{
    /// <summary>Connected anew. Nothing may be read before the listeners have returned, so they must not wait for a message or an answer.</summary>
    event EventHandler? Connected;

    /// <summary>A connection has ended, in whichever way.</summary>
    event EventHandler<BrokerLostEventArgs>? Disconnected;

    /// <summary>An attempt to connect has failed; the next one follows by itself.</summary>
    event EventHandler<BrokerUnreachableEventArgs>? ConnectFailed;

    bool IsConnected { get; }

    /// <summary>
    /// Begins to connect, and to connect again after every loss with growing delays, until <see cref="StopAsync"/>. Returns at once: a
    /// broker that is away does not hold anybody up.
    /// </summary>
    Task StartAsync(CancellationToken ct);

    /// <summary>
    /// Tells the broker to send no more, and handles and acknowledges what has come; some seconds at most. What is to be published still can be.
    /// </summary>
    Task LeaveAsync(CancellationToken ct);

    /// <summary>Does that if it was not done, disconnects in order and stays away.</summary>
    Task StopAsync(CancellationToken ct);

    /// <summary>
    /// Asks the broker for one filter's messages and gives its answer. It is good for this connection: on the next
    /// <see cref="Connected"/> ask again, since only the answer tells that anything is heard. Asking again replaces the handler.
    /// </summary>
    Task<SubscribeAnswer> SubscribeAsync(BrokerSubscription subscription, CancellationToken ct);

    /// <summary>Publishes at QoS 1, not retained, and waits some seconds at most for the broker's acknowledgement.</summary>
    /// <param name="topic">A valid topic name.</param>
    /// <param name="payload">Must not change before the task has completed.</param>
    /// <param name="expirySeconds">After which the broker forgets what it could not hand over (MQTT 5).</param>
    /// <param name="ct">Ends the wait with an <see cref="OperationCanceledException"/>; the message may still arrive.</param>
    ValueTask<HandOver> PublishAsync(string topic, ReadOnlyMemory<byte> payload, uint expirySeconds, CancellationToken ct);
}

/// <param name="Topic">As published.</param>
/// <param name="Payload">The handler's to keep.</param>
/// <param name="Retain">Not said now: the broker had kept it.</param>
internal readonly record struct BrokerMessage(string Topic, ReadOnlyMemory<byte> Payload, bool Retain);

/// <param name="Filter">
/// May be a shared one (<c>$share/group/filter</c>, MQTT 5). Filters of one client must not overlap: a message goes to the first that matches.
/// </param>
/// <param name="Hear">
/// Called for one message at a time, over all subscriptions. A message is acknowledged when it has returned or thrown; what was not
/// acknowledged when a connection ended is handed over again by an MQTT 5 broker that this client finds again soon.
/// </param>
internal sealed record BrokerSubscription(string Filter, Func<BrokerMessage, CancellationToken, ValueTask> Hear);

internal enum SubscribeOutcome
{
    Granted,
    Refused,

    /// <summary>There was no connection, or it ended before the answer came.</summary>
    NotConnected,
}

/// <param name="Outcome">What became of the request.</param>
/// <param name="ReasonCode">The broker's, where it answered.</param>
internal readonly record struct SubscribeAnswer(SubscribeOutcome Outcome, MqttReasonCode ReasonCode = MqttReasonCode.Success)
{
    public static SubscribeAnswer NotConnected => new(SubscribeOutcome.NotConnected, MqttReasonCode.UnspecifiedError);
}

internal sealed class BrokerLostEventArgs(string cause, bool isGoodbye = false) : EventArgs
{
    /// <summary>This side ended the connection in order, as it was asked to.</summary>
    public bool IsGoodbye { get; } = isGoodbye;

    /// <summary>For the log.</summary>
    public string Cause { get; } = cause;
}

internal sealed class BrokerUnreachableEventArgs(string reason, TimeSpan retryAfter) : EventArgs
{
    /// <summary>For the log.</summary>
    public string Reason { get; } = reason;

    public TimeSpan RetryAfter { get; } = retryAfter;
}
