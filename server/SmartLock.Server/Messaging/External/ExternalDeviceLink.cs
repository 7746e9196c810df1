using Microsoft.Extensions.Options;
using SmartLock.Mqtt;

namespace SmartLock.Server.Messaging.External;

/// <summary>A broker outside this process, reached as its client. The publishers' logins are unknown here: only signatures count.</summary>
internal sealed partial class ExternalDeviceLink : IDeviceLink, IHostedLifecycleService
{
    // The broker gives each status to one replica.
    private const string SharedStatuses = "$share/smartlock/" + Topics.AllStatuses;

    private readonly BrokerClient _client;
    private readonly IStatusReceiver _ingest;
    private readonly TimeProvider _time;
    private readonly ILogger<ExternalDeviceLink> _log;
    private readonly MqttOptions _options;
    private readonly bool _unsignedAllowed;
    private readonly uint _validitySeconds;
    private readonly BrokerSubscription _statuses;
    private readonly System.Threading.Lock _gate = new();
    private long _connection;
    private volatile Beginning? _listening;

    public ExternalDeviceLink(
        BrokerClient client,
        IOptions<MqttOptions> options,
        IOptions<DeviceOptions> devices,
        IStatusReceiver ingest,
        TimeProvider time,
        ILogger<ExternalDeviceLink> log)
    {
        _client = client;
        _options = options.Value;
        _ingest = ingest;
        _time = time;
        _log = log;
        _unsignedAllowed = devices.Value.AllowUnsigned;
        _validitySeconds = devices.Value.CommandValiditySeconds;
        _statuses = new BrokerSubscription(_options.ProtocolVersion == 5 ? SharedStatuses : Topics.AllStatuses, HandleAsync);
        _client.Connected += OnConnected;
        _client.Disconnected += OnDisconnected;
        _client.ConnectFailed += OnConnectFailed;
    }

    public DateTimeOffset? ListeningSince => _listening?.At;

    public TimeSpan? ListeningFor => _listening is { } listening ? _time.GetElapsedTime(listening.Timestamp) : null;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (_unsignedAllowed)
        {
            LogUnsignedOutside();
        }

        // An unreachable broker does not keep the server from starting: the readiness check reports it.
        await _client.StartAsync(cancellationToken);
    }

    /// <summary>Runs before the last reports are stored: a status that is acknowledged to the broker after that would be lost.</summary>
    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        NoteConnectionChange();
        return _client.UnsubscribeAndDrainAsync(cancellationToken);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Runs after the last reports are stored and published to the other replicas.</summary>
    public Task StoppedAsync(CancellationToken cancellationToken) => _client.StopAsync(cancellationToken);

    public ValueTask<PublishResult> SendAsync(string deviceId, string topic, ReadOnlyMemory<byte> payload, CancellationToken ct) =>
        _client.PublishAsync(topic, payload, _validitySeconds, ct);

    public ValueTask EndSessionsAsync(string deviceId) => ValueTask.CompletedTask;

    /// <summary>Only after the broker's answer do statuses arrive. Until then, a missing heartbeat says nothing about its device.</summary>
    private async Task SubscribeAsync(long connection)
    {
        var answer = await _client.SubscribeAsync(_statuses, CancellationToken.None);
        switch (answer.Outcome)
        {
            case SubscribeOutcome.Granted:
                NoteListening(connection);
                break;
            case SubscribeOutcome.Refused:
                LogSubscriptionRefused(_statuses.Filter, answer.ReasonCode);
                break;
            case SubscribeOutcome.NotConnected:
                // The connection or the server ended first; the next connection asks again.
                break;
        }
    }

    private void NoteListening(long connection)
    {
        lock (_gate)
        {
            // An answer that is late, after its connection has ended, must not count for the next connection.
            if (connection == _connection)
            {
                _listening = new Beginning(_time.GetUtcNow(), _time.GetTimestamp());
            }
        }
    }

    private long NoteConnectionChange()
    {
        lock (_gate)
        {
            _listening = null;
            return ++_connection;
        }
    }

    private ValueTask HandleAsync(BrokerMessage message, CancellationToken ct)
    {
        _ingest.Accept(message.Payload.Span, message.Retain, login: null);
        return ValueTask.CompletedTask;
    }

    private void OnConnected(object? sender, EventArgs e)
    {
        LogConnected(_options.Host!, _options.Port);
        _ = SubscribeAsync(NoteConnectionChange());
    }

    private void OnDisconnected(object? sender, BrokerDisconnectedEventArgs e)
    {
        NoteConnectionChange();
        if (e.WasRequested)
        {
            LogDisconnected(_options.Host!, _options.Port);
            return;
        }

        LogLost(_options.Host!, _options.Port, e.Cause);
    }

    private void OnConnectFailed(object? sender, BrokerConnectFailedEventArgs e) =>
        LogConnectFailed(_options.Host!, _options.Port, e.Reason, e.RetryAfter);

    [LoggerMessage(5, LogLevel.Warning, "Devices:AllowUnsigned with an outside broker: it delivers a command on the shared topic to every device, and a sketch that does not check the device id obeys")]
    private partial void LogUnsignedOutside();

    [LoggerMessage(1, LogLevel.Information, "Connected to the broker at {Host}:{Port}")]
    private partial void LogConnected(string host, int port);

    [LoggerMessage(2, LogLevel.Warning, "Lost the connection to the broker at {Host}:{Port}: {Cause}")]
    private partial void LogLost(string host, int port, string cause);

    [LoggerMessage(6, LogLevel.Information, "Disconnected from the broker at {Host}:{Port}")]
    private partial void LogDisconnected(string host, int port);

    [LoggerMessage(3, LogLevel.Warning, "Cannot connect to the broker at {Host}:{Port}: {Reason}; next attempt in {RetryAfter}")]
    private partial void LogConnectFailed(string host, int port, string reason, TimeSpan retryAfter);

    [LoggerMessage(4, LogLevel.Error, "The broker refuses the subscription to {Filter}: {ReasonCode}; no status of any device will arrive")]
    private partial void LogSubscriptionRefused(string filter, MqttReasonCode reasonCode);

    /// <param name="Timestamp">Monotonic.</param>
    private sealed record Beginning(DateTimeOffset At, long Timestamp);
}
