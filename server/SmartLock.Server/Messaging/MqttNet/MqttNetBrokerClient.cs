using Microsoft.Extensions.Options;

namespace SmartLock.Server.Messaging.MqttNet;

/// <summary>MQTTnet's client, kept connected: since version 5 it does not connect again by itself.</summary>
internal sealed partial class MqttNetBrokerClient : IBrokerClient
{
    private readonly BrokerRoutes _routes = new();
    private readonly MqttNetInbox _inbox;
    private readonly MqttNetSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILogger<MqttNetBrokerClient> _log;
    private readonly CancellationTokenSource _stop = new();
    private MqttNetConnection? _connection;
    private Task _running = Task.CompletedTask;
    private long _connections;
    private bool _hasLeft;

    public MqttNetBrokerClient(IOptions<MqttOptions> options, TimeProvider time, ILogger<MqttNetBrokerClient> log)
    {
        _settings = new MqttNetSettings(options.Value);
        _inbox = new MqttNetInbox(_routes, log);
        _time = time;
        _log = log;
    }

    public event EventHandler? Connected;

    public event EventHandler<BrokerLostEventArgs>? Disconnected;

    public event EventHandler<BrokerUnreachableEventArgs>? ConnectFailed;

    public bool IsConnected => Volatile.Read(ref _connection) is { IsAlive: true };

    public Task StartAsync(CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        _running = Task.Run(() => KeepConnectedAsync(_stop.Token), CancellationToken.None);
        return Task.CompletedTask;
    }

    public Task LeaveAsync(CancellationToken ct) =>
        Volatile.Read(ref _connection) is { IsAlive: true } connection ? LeaveAsync(connection, ct) : Task.CompletedTask;

    public async Task StopAsync(CancellationToken ct)
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(ct);
    }

    public async Task<SubscribeAnswer> SubscribeAsync(BrokerSubscription subscription, CancellationToken ct)
    {
        _routes.Set(subscription);
        return Volatile.Read(ref _connection) is { IsAlive: true } connection
            ? await connection.SubscribeAsync(subscription.Filter, ct)
            : SubscribeAnswer.NotConnected;
    }

    public async ValueTask<HandOver> PublishAsync(string topic, ReadOnlyMemory<byte> payload, uint expirySeconds, CancellationToken ct)
    {
        if (Volatile.Read(ref _connection) is not { IsAlive: true } connection)
        {
            return HandOver.NotSent;
        }

        // The caller's token ends its wait only: a packet that is broken off midway would break the stream.
        return await HandOverAsync(connection, topic, payload, expirySeconds).WaitAsync(ct);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        await _inbox.DisposeAsync();
        _stop.Dispose();
    }

    private async Task<HandOver> HandOverAsync(MqttNetConnection connection, string topic, ReadOnlyMemory<byte> payload, uint expirySeconds)
    {
        using var limit = new CancellationTokenSource(BrokerClientLimits.HandOverWithin, _time);
        return await connection.PublishAsync(_settings.Message(topic, payload, expirySeconds), limit.Token);
    }

    private async Task KeepConnectedAsync(CancellationToken stop)
    {
        var attempt = 0;
        try
        {
            while (!stop.IsCancellationRequested)
            {
                var began = _time.GetTimestamp();
                var failure = await StayConnectedAsync(stop);

                // A connection that held proves the broker well; one that is dropped again and again must not reset the back-off.
                attempt = _time.GetElapsedTime(began) >= BrokerClientLimits.ReconnectMaximum ? 1 : attempt + 1;
                var delay = DelayOf(attempt);
                if (failure is not null)
                {
                    Raise(() => ConnectFailed?.Invoke(this, new BrokerUnreachableEventArgs(failure, delay)));
                }

                await Task.Delay(delay, _time, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Asked to stop.
            return;
        }
    }

    /// <summary>One connection to its end; returns why there was none.</summary>
    private async Task<string?> StayConnectedAsync(CancellationToken stop)
    {
        using var connection = new MqttNetConnection(++_connections, _settings, _time);
        var isFirst = Volatile.Read(ref _connection) is null;
        if (await connection.OpenAsync(isFirst, _inbox.Offer, stop) is { } failure)
        {
            return failure;
        }

        if (connection.IsResumed)
        {
            _inbox.Resume(connection);
        }

        Volatile.Write(ref _connection, connection);
        Raise(() => Connected?.Invoke(this, EventArgs.Empty));
        var end = await LastAsync(connection, stop);
        Raise(() => Disconnected?.Invoke(this, end));
        return null;
    }

    private async Task<BrokerLostEventArgs> LastAsync(MqttNetConnection connection, CancellationToken stop)
    {
        try
        {
            return new BrokerLostEventArgs(await connection.Ended.WaitAsync(stop));
        }
        catch (OperationCanceledException)
        {
            using var limit = new CancellationTokenSource(BrokerClientLimits.LeaveWithin, _time);
            await LeaveAsync(connection, limit.Token);
            return await connection.CloseAsync(limit.Token)
                ? new BrokerLostEventArgs("Requested", isGoodbye: true)
                : new BrokerLostEventArgs(await connection.Ended);
        }
    }

    /// <summary>Unsubscribed first, so that the broker hands to other replicas what this one would not live to handle.</summary>
    private async Task LeaveAsync(MqttNetConnection connection, CancellationToken ct)
    {
        if (Interlocked.Exchange(ref _hasLeft, true))
        {
            return;
        }

        using var limit = new CancellationTokenSource(BrokerClientLimits.LeaveWithin, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        try
        {
            if (_routes.Filters is { Count: > 0 } filters && await connection.UnsubscribeAsync(filters, either.Token))
            {
                await _inbox.HandledAsync(either.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // What is not acknowledged by now is the broker's to hand over again.
            LogLeftUnhandled();
        }
    }

    /// <summary>Doubles with every attempt, and of each step a random half is waited, so that replicas do not come back as one.</summary>
    private static TimeSpan DelayOf(int attempt)
    {
        var doubled = BrokerClientLimits.ReconnectMinimum * (1L << Math.Min(attempt - 1, 30));
        var step = doubled < BrokerClientLimits.ReconnectMaximum ? doubled : BrokerClientLimits.ReconnectMaximum;
        return step * (0.5 + (Random.Shared.NextDouble() / 2));
    }

    private void Raise(Action listeners)
    {
        try
        {
            listeners();
        }
        catch (Exception e)
        {
            // A listener is a feature's: its failure must not end the connection.
            LogListenerFailed(e);
        }
    }

    [LoggerMessage(11, LogLevel.Error, "A listener to the broker's connection failed")]
    private partial void LogListenerFailed(Exception exception);

    [LoggerMessage(12, LogLevel.Warning, "Messages were left unhandled at the stop; the broker hands them over again")]
    private partial void LogLeftUnhandled();
}
