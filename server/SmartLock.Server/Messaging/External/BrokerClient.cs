using Microsoft.Extensions.Options;

namespace SmartLock.Server.Messaging.External;

/// <summary>
/// This server's client of an outside broker: MQTTnet's, kept connected, since that one does not reconnect by itself. Features subscribe and publish
/// over it; <see cref="ExternalDeviceLink"/> starts and stops it. All members may be called from any thread.
/// </summary>
internal sealed partial class BrokerClient : IAsyncDisposable
{
    private readonly BrokerSubscriptions _subscriptions = new();
    private readonly BrokerInbox _inbox;
    private readonly MqttNetOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<BrokerClient> _log;
    private readonly CancellationTokenSource _stop = new();
    private BrokerConnection? _connection;
    private Task _running = Task.CompletedTask;
    private long _connections;
    private bool _hasUnsubscribed;

    public BrokerClient(IOptions<MqttOptions> options, TimeProvider time, ILogger<BrokerClient> log)
    {
        _options = new MqttNetOptions(options.Value);
        _inbox = new BrokerInbox(_subscriptions, log);
        _time = time;
        _log = log;
    }

    /// <summary>Connected anew. The listeners run before the connection's end is awaited, so they must not block.</summary>
    public event EventHandler? Connected;

    /// <summary>A connection has ended, on request or not.</summary>
    public event EventHandler<BrokerDisconnectedEventArgs>? Disconnected;

    /// <summary>An attempt to connect has failed; the next one follows by itself.</summary>
    public event EventHandler<BrokerConnectFailedEventArgs>? ConnectFailed;

    public bool IsConnected => Volatile.Read(ref _connection) is { IsAlive: true };

    /// <summary>
    /// Begins to connect, and to reconnect after every loss with growing delays, until <see cref="StopAsync"/>. Returns at once: an
    /// unreachable broker does not delay the server's start.
    /// </summary>
    public Task StartAsync(CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        _running = Task.Run(() => KeepConnectedAsync(_stop.Token), CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <summary>
    /// Unsubscribes, then handles and acknowledges every message that was received before; takes
    /// <see cref="BrokerClientLimits.DrainTimeout"/> at most. Publishing still works afterwards.
    /// </summary>
    public Task UnsubscribeAndDrainAsync(CancellationToken ct) =>
        Volatile.Read(ref _connection) is { IsAlive: true } connection ? UnsubscribeAndDrainAsync(connection, ct) : Task.CompletedTask;

    /// <summary>Unsubscribes and drains unless that was done, disconnects and does not reconnect.</summary>
    public async Task StopAsync(CancellationToken ct)
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(ct);
    }

    /// <summary>
    /// Asks the broker for one filter's messages and returns its answer. The subscription is this connection's: ask again on the next
    /// <see cref="Connected"/>, because only a granted answer means that messages will arrive. Asking again replaces the handler.
    /// </summary>
    public async Task<SubscribeResult> SubscribeAsync(BrokerSubscription subscription, CancellationToken ct)
    {
        _subscriptions.Set(subscription);
        return Volatile.Read(ref _connection) is { IsAlive: true } connection
            ? await connection.SubscribeAsync(subscription.Filter, ct)
            : SubscribeResult.NotConnected;
    }

    /// <summary>Publishes at QoS 1, not retained, and waits <see cref="BrokerClientLimits.PublishTimeout"/> at most for the acknowledgement.</summary>
    /// <param name="topic">A valid topic name.</param>
    /// <param name="payload">Must not change before the task has completed.</param>
    /// <param name="expirySeconds">After which the broker drops the message if it could not deliver it (MQTT 5).</param>
    /// <param name="ct">Ends the wait with an <see cref="OperationCanceledException"/>; the message may still arrive.</param>
    public async ValueTask<PublishResult> PublishAsync(string topic, ReadOnlyMemory<byte> payload, uint expirySeconds, CancellationToken ct)
    {
        if (Volatile.Read(ref _connection) is not { IsAlive: true } connection)
        {
            return PublishResult.NotSent;
        }

        // The caller's token ends its wait only: a packet that is cut off midway would break the stream.
        return await PublishAsync(connection, topic, payload, expirySeconds).WaitAsync(ct);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        await _inbox.DisposeAsync();
        _stop.Dispose();
    }

    private async Task<PublishResult> PublishAsync(BrokerConnection connection, string topic, ReadOnlyMemory<byte> payload, uint expirySeconds)
    {
        using var timeout = new CancellationTokenSource(BrokerClientLimits.PublishTimeout, _time);
        return await connection.PublishAsync(_options.Message(topic, payload, expirySeconds), timeout.Token);
    }
}
