using Microsoft.Extensions.Options;
using SmartLock.Mqtt;
using SmartLock.Server.Heartbeats;

namespace SmartLock.Server.Messaging;

/// <summary>A broker outside this process, as a client of it. Nobody's login is known here: only signatures count.</summary>
internal sealed partial class ExternalDeviceLink : IDeviceLink, IHostedLifecycleService
{
    // Replicas share the statuses out among them.
    private const string SharedStatuses = "$share/smartlock/" + Topics.AllStatuses;

    private readonly IBrokerClient _client;
    private readonly StatusIngest _ingest;
    private readonly TimeProvider _time;
    private readonly ILogger<ExternalDeviceLink> _log;
    private readonly MqttOptions _options;
    private readonly bool _unsignedAllowed;
    private readonly uint _validitySeconds;
    private readonly BrokerSubscription _statuses;
    private readonly System.Threading.Lock _gate = new();
    private long _connection;
    private long _listeningSinceTicks;

    public ExternalDeviceLink(
        IBrokerClient client,
        IOptions<MqttOptions> options,
        IOptions<DeviceOptions> devices,
        StatusIngest ingest,
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
        _statuses = new BrokerSubscription(_options.ProtocolVersion == 5 ? SharedStatuses : Topics.AllStatuses, HearAsync);
        _client.Connected += OnConnected;
        _client.Disconnected += OnDisconnected;
        _client.ConnectFailed += OnConnectFailed;
    }

    public DateTimeOffset? ListeningSince =>
        Interlocked.Read(ref _listeningSinceTicks) is var ticks and > 0 ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (_unsignedAllowed)
        {
            LogUnsignedOutside();
        }

        // A broker that is away does not keep the server from starting: its readiness says so.
        await _client.StartAsync(cancellationToken);
    }

    /// <summary>Before the last reports are stored: what is acknowledged to the broker after that would be lost.</summary>
    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        NoteConnectionChange();
        return _client.LeaveAsync(cancellationToken);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>After the last reports are stored, and told to the other replicas.</summary>
    public Task StoppedAsync(CancellationToken cancellationToken) => _client.StopAsync(cancellationToken);

    public ValueTask<HandOver> SendAsync(string deviceId, string topic, ReadOnlyMemory<byte> payload, CancellationToken ct) =>
        _client.PublishAsync(topic, payload, _validitySeconds, ct);

    public ValueTask EndSessionsAsync(string deviceId) => ValueTask.CompletedTask;

    /// <summary>Only the broker's answer tells that this server hears its devices. Until it has come, their silence says nothing about them.</summary>
    private async Task ListenAsync(long connection)
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
            // An answer that was still on its way when its connection ended must not count for the time after.
            if (connection == _connection)
            {
                Interlocked.Exchange(ref _listeningSinceTicks, _time.GetUtcNow().UtcTicks);
            }
        }
    }

    private long NoteConnectionChange()
    {
        lock (_gate)
        {
            Interlocked.Exchange(ref _listeningSinceTicks, 0);
            return ++_connection;
        }
    }

    private ValueTask HearAsync(BrokerMessage message, CancellationToken ct)
    {
        _ingest.Accept(message.Payload.Span, message.Retain, login: null);
        return ValueTask.CompletedTask;
    }

    private void OnConnected(object? sender, EventArgs e)
    {
        LogConnected(_options.Host!, _options.Port);
        _ = ListenAsync(NoteConnectionChange());
    }

    private void OnDisconnected(object? sender, BrokerLostEventArgs e)
    {
        NoteConnectionChange();
        if (e.IsGoodbye)
        {
            LogLeft(_options.Host!, _options.Port);
            return;
        }

        LogDisconnected(_options.Host!, _options.Port, e.Cause);
    }

    private void OnConnectFailed(object? sender, BrokerUnreachableEventArgs e) =>
        LogConnectFailed(_options.Host!, _options.Port, e.Reason, e.RetryAfter);

    [LoggerMessage(5, LogLevel.Warning, "Devices:AllowUnsigned with an outside broker: it hands a command on the shared topic to every device, and a sketch that does not look at its address obeys")]
    private partial void LogUnsignedOutside();

    [LoggerMessage(1, LogLevel.Information, "Connected to the broker at {Host}:{Port}")]
    private partial void LogConnected(string host, int port);

    [LoggerMessage(2, LogLevel.Warning, "Lost the broker at {Host}:{Port}: {Cause}")]
    private partial void LogDisconnected(string host, int port, string cause);

    [LoggerMessage(6, LogLevel.Information, "Disconnected from the broker at {Host}:{Port}")]
    private partial void LogLeft(string host, int port);

    [LoggerMessage(3, LogLevel.Warning, "Cannot reach the broker at {Host}:{Port}: {Reason}; next try in {RetryAfter}")]
    private partial void LogConnectFailed(string host, int port, string reason, TimeSpan retryAfter);

    [LoggerMessage(4, LogLevel.Error, "The broker refuses the subscription to {Filter}: {ReasonCode}; no device will be heard")]
    private partial void LogSubscriptionRefused(string filter, MqttReasonCode reasonCode);
}
