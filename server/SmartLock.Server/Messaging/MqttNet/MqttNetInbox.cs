using System.Buffers;
using System.Threading.Channels;
using MQTTnet;
using MQTTnet.Protocol;

namespace SmartLock.Server.Messaging.MqttNet;

/// <summary>
/// Received messages between MQTTnet and their handlers. MQTTnet queues without bound while its own handler is busy, and cannot
/// disconnect before it returns: so messages are taken over at once, and handled and acknowledged one by one from here.
/// </summary>
internal sealed partial class MqttNetInbox : IAsyncDisposable
{
    // QoS 0 fills the queue to its limit only; above that is room for as many QoS 1 messages as a sound broker sends unacknowledged.
    private readonly Channel<Entry> _queue = Channel.CreateBounded<Entry>(
        new BoundedChannelOptions(BrokerClientLimits.ReceiveQueueLimit + BrokerClientLimits.ReceiveMaximum) { SingleReader = true });

    private readonly BrokerRoutes _routes;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _lifetime = new();
    private readonly Task _working;
    private MqttNetConnection? _resumed;
    private long _dropped;

    public MqttNetInbox(BrokerRoutes routes, ILogger log)
    {
        _routes = routes;
        _log = log;
        _working = Task.Run(WorkAsync);
    }

    /// <summary>The broker has kept the session: what came over earlier connections and is not acknowledged comes again.</summary>
    public void Resume(MqttNetConnection connection) => Volatile.Write(ref _resumed, connection);

    /// <summary>False when there is no room for a message that may not be dropped: its connection is of no use any more.</summary>
    public bool Offer(MqttNetConnection connection, MqttApplicationMessageReceivedEventArgs received)
    {
        received.AutoAcknowledge = false;
        if (received.ApplicationMessage.QualityOfServiceLevel is not MqttQualityOfServiceLevel.AtMostOnce)
        {
            return _queue.Writer.TryWrite(new Entry(connection, received, null));
        }

        if (_queue.Reader.Count >= BrokerClientLimits.ReceiveQueueLimit || !_queue.Writer.TryWrite(new Entry(connection, received, null)))
        {
            Drop();
        }

        return true;
    }

    /// <summary>Completes when everything that has come before is handled and acknowledged.</summary>
    public async Task HandledAsync(CancellationToken ct)
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
                if (entry is { Connection: { } connection, Received: { } received } && !ComesAgain(connection, received))
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

    /// <summary>Were it kept too, a handler that is slow behind a link that breaks often would never get to the end of it.</summary>
    private bool ComesAgain(MqttNetConnection connection, MqttApplicationMessageReceivedEventArgs received) =>
        received.ApplicationMessage.QualityOfServiceLevel is not MqttQualityOfServiceLevel.AtMostOnce
        && Volatile.Read(ref _resumed) is { } resumed
        && connection.Number < resumed.Number;

    private async Task HandleAsync(MqttApplicationMessageReceivedEventArgs received)
    {
        var message = received.ApplicationMessage;
        try
        {
            if (_routes.Find(message.Topic) is { } subscription)
            {
                await subscription.Hear(new BrokerMessage(message.Topic, message.Payload.ToArray(), message.Retain), _lifetime.Token);
            }
        }
        catch (Exception e) when (!_lifetime.IsCancellationRequested)
        {
            // The handler is a feature's: its failure must not end the hearing of later messages.
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
            // Its connection is gone, which MQTTnet says by exceptions of many kinds: the broker hands the message over again.
            LogAcknowledgementLost(e.GetType().Name);
        }
    }

    private void Drop()
    {
        var count = Interlocked.Increment(ref _dropped);

        // At powers of two, so that a flood does not become a flood of log lines.
        if ((count & (count - 1)) == 0)
        {
            LogDropped(count);
        }
    }

    [LoggerMessage(1, LogLevel.Error, "The handler of a received message failed")]
    private partial void LogHandlerFailed(Exception exception);

    [LoggerMessage(2, LogLevel.Debug, "An acknowledgement found its connection gone ({Error})")]
    private partial void LogAcknowledgementLost(string error);

    [LoggerMessage(3, LogLevel.Warning, "Messages are handled too slowly; {Count} of QoS 0 were dropped so far")]
    private partial void LogDropped(long count);

    /// <param name="Done">Of one that carries no message: set when its turn has come.</param>
    private readonly record struct Entry(MqttNetConnection? Connection, MqttApplicationMessageReceivedEventArgs? Received, TaskCompletionSource? Done);
}
