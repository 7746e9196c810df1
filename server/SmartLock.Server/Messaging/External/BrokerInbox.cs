using System.Buffers;
using System.Threading.Channels;
using MQTTnet;
using MQTTnet.Protocol;

namespace SmartLock.Server.Messaging.External;

/// <summary>
/// A bounded queue between MQTTnet and the handlers. MQTTnet queues without bound while its own callback is busy, and cannot
/// disconnect before it returns: so the callback only queues here, and messages are handled and acknowledged one by one from here.
/// </summary>
internal sealed partial class BrokerInbox : IAsyncDisposable
{
    // QoS 0 fills the queue to its limit only; above that is room for all QoS 1 messages that a correct broker sends unacknowledged.
    private readonly Channel<Entry> _queue = Channel.CreateBounded<Entry>(
        new BoundedChannelOptions(BrokerClientLimits.ReceiveQueueLimit + BrokerClientLimits.ReceiveMaximum) { SingleReader = true });

    private readonly BrokerSubscriptions _subscriptions;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _lifetime = new();
    private readonly Task _working;
    private BrokerConnection? _resumed;
    private long _dropped;

    public BrokerInbox(BrokerSubscriptions subscriptions, ILogger log)
    {
        _subscriptions = subscriptions;
        _log = log;
        _working = Task.Run(WorkAsync);
    }

    /// <summary>The broker has kept the session: it redelivers what arrived over earlier connections and is not acknowledged.</summary>
    public void Resume(BrokerConnection connection) => Volatile.Write(ref _resumed, connection);

    /// <returns>False when there is no room for a message that may not be dropped: the caller must end its connection.</returns>
    public bool Offer(BrokerConnection connection, MqttApplicationMessageReceivedEventArgs received)
    {
        received.AutoAcknowledge = false;
        if (received.ApplicationMessage.QualityOfServiceLevel is not MqttQualityOfServiceLevel.AtMostOnce)
        {
            return _queue.Writer.TryWrite(new Entry(connection, received, null));
        }

        if (_queue.Reader.Count >= BrokerClientLimits.ReceiveQueueLimit || !_queue.Writer.TryWrite(new Entry(connection, received, null)))
        {
            CountDropped();
        }

        return true;
    }

    /// <summary>Completes when every message that was offered before is handled and acknowledged.</summary>
    public async Task DrainAsync(CancellationToken ct)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await _queue.Writer.WriteAsync(new Entry(null, null, done), ct);
        await done.Task.WaitAsync(ct);
    }

    public async ValueTask DisposeAsync()
    {
        await _lifetime.CancelAsync();
        await _working;
        _lifetime.Dispose();
    }

    private async Task WorkAsync()
    {
        try
        {
            await foreach (var entry in _queue.Reader.ReadAllAsync(_lifetime.Token))
            {
                entry.Done?.SetResult();
                if (entry is { Connection: { } connection, Received: { } received } && !WillBeRedelivered(connection, received))
                {
                    await HandleAsync(received);
                    await AcknowledgeAsync(received);
                }
            }
        }
        catch (OperationCanceledException) when (_lifetime.IsCancellationRequested)
        {
            // What is left was not acknowledged.
            return;
        }
    }

    /// <summary>Skipping these copies lets a slow handler keep up when the connection breaks often.</summary>
    private bool WillBeRedelivered(BrokerConnection connection, MqttApplicationMessageReceivedEventArgs received) =>
        received.ApplicationMessage.QualityOfServiceLevel is not MqttQualityOfServiceLevel.AtMostOnce
        && Volatile.Read(ref _resumed) is { } resumed
        && connection.Number < resumed.Number;

    private async Task HandleAsync(MqttApplicationMessageReceivedEventArgs received)
    {
        var message = received.ApplicationMessage;
        try
        {
            if (_subscriptions.Find(message.Topic) is { } subscription)
            {
                await subscription.Handle(new BrokerMessage(message.Topic, message.Payload.ToArray(), message.Retain), _lifetime.Token);
            }
        }
        catch (Exception e) when (!_lifetime.IsCancellationRequested)
        {
            // A handler belongs to a feature: its failure must not keep later messages from being handled.
            LogHandlerFailed(e);
            received.ReasonCode = MqttApplicationMessageReceivedReasonCode.ImplementationSpecificError;
        }
    }

    private async Task AcknowledgeAsync(MqttApplicationMessageReceivedEventArgs received)
    {
        try
        {
            await received.AcknowledgeAsync(_lifetime.Token);
        }
        catch (Exception e) when (!_lifetime.IsCancellationRequested)
        {
            // The connection has ended, which MQTTnet reports by exceptions of many types; the broker redelivers the message.
            LogAcknowledgementFailed(e.GetType().Name);
        }
    }

    private void CountDropped()
    {
        var count = Interlocked.Increment(ref _dropped);

        // At powers of two, so that a flood of messages does not become a flood of log lines.
        if ((count & (count - 1)) == 0)
        {
            LogDropped(count);
        }
    }

    [LoggerMessage(1, LogLevel.Error, "The handler of a received message failed")]
    private partial void LogHandlerFailed(Exception exception);

    [LoggerMessage(2, LogLevel.Debug, "A message could not be acknowledged because its connection has ended ({Error})")]
    private partial void LogAcknowledgementFailed(string error);

    [LoggerMessage(3, LogLevel.Warning, "The queue of received messages is full; {Count} messages of QoS 0 were dropped so far")]
    private partial void LogDropped(long count);

    /// <param name="Done">Set when the entry's turn has come; such an entry carries no message.</param>
    private readonly record struct Entry(BrokerConnection? Connection, MqttApplicationMessageReceivedEventArgs? Received, TaskCompletionSource? Done);
}
