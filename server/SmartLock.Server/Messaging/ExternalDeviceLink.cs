using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Client;
using SmartLock.Server.Heartbeats;

namespace SmartLock.Server.Messaging;

/// <summary>A broker outside this process, as a client of it. Nobody's login is known here: only signatures count.</summary>
internal sealed partial class ExternalDeviceLink : IDeviceLink, IHostedLifecycleService, IAsyncDisposable
{
    // Replicas share the statuses out among them.
    private const string SharedStatuses = "$share/smartlock/" + Topics.AllStatuses;
    private static readonly TimeSpan HandOverWithin = TimeSpan.FromSeconds(5);

    private readonly MqttClient _client;
    private readonly StatusIngest _ingest;
    private readonly TimeProvider _time;
    private readonly ILogger<ExternalDeviceLink> _log;
    private readonly MqttOptions _options;
    private readonly bool _unsignedAllowed;
    private readonly uint _validitySeconds;
    private readonly MqttSubscription _statuses;
    private readonly System.Threading.Lock _gate = new();
    private long _connection;
    private long _listeningSinceTicks;

    public ExternalDeviceLink(
        IOptions<MqttOptions> options,
        IOptions<DeviceOptions> devices,
        StatusIngest ingest,
        TimeProvider time,
        ILogger<ExternalDeviceLink> log)
    {
        _options = options.Value;
        _ingest = ingest;
        _time = time;
        _log = log;
        _unsignedAllowed = devices.Value.AllowUnsigned;
        _validitySeconds = devices.Value.CommandValiditySeconds;
        _statuses = new MqttSubscription(
            _options.ProtocolVersion == 5 ? SharedStatuses : Topics.AllStatuses,
            MqttQoS.AtLeastOnce,
            RetainAsPublished: true,
            RetainHandling: MqttRetainHandling.DoNotSend);
        _client = new MqttClient(ClientOptions(_options), HearAsync, time, log);
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
    public Task StoppingAsync(CancellationToken cancellationToken) => _client.DisconnectAsync(cancellationToken: cancellationToken);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async ValueTask<HandOver> SendAsync(string deviceId, string topic, ReadOnlyMemory<byte> payload, CancellationToken ct)
    {
        if (!_client.IsConnected)
        {
            return HandOver.NotSent;
        }

        var message = new MqttMessage(topic, payload)
        {
            QoS = MqttQoS.AtLeastOnce,
            Properties = new MqttProperties { MessageExpiryInterval = _validitySeconds },
        };
        using var limit = new CancellationTokenSource(HandOverWithin, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        try
        {
            return (await _client.PublishAsync(message, either.Token)).IsDelivered ? HandOver.Delivered : HandOver.Unknown;
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            return HandOver.Unknown;
        }
    }

    public ValueTask EndSessionsAsync(string deviceId) => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    private static MqttClientOptions ClientOptions(MqttOptions options) => new()
    {
        Host = options.Host!,
        Port = options.Port,
        Tls = options.Tls ? new MqttTlsOptions { CertificateAuthorityFile = options.CaFile } : null,
        ClientId = string.IsNullOrEmpty(options.ClientId) ? $"smartlock-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}" : options.ClientId,
        UserName = options.UserName,
        Password = options.Password,
        ProtocolVersion = options.ProtocolVersion == 5 ? MqttProtocolVersion.V500 : MqttProtocolVersion.V311,
        MaximumPacketSize = 16 * 1024,
        ReceiveQueueLimit = 10_000,
        ReconnectMaximum = TimeSpan.FromSeconds(10),
    };

    /// <summary>
    /// Asked on every connection, although the client renews what it had by itself: only the broker's answer tells that this
    /// server hears its devices. Until it has come, their silence says nothing about them.
    /// </summary>
    private async Task ListenAsync(long connection)
    {
        try
        {
            var answer = (await _client.SubscribeAsync([_statuses]))[0];
            if (answer.IsFailure())
            {
                LogSubscriptionRefused(_statuses.Filter, answer);
                return;
            }

            NoteListening(connection);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or MqttNotConnectedException)
        {
            // The connection or the server ended first; the next connection asks again.
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

    private ValueTask HearAsync(MqttReceivedMessage message, CancellationToken ct)
    {
        _ingest.Accept(message.Payload.Span, message.Retain, login: null);
        return ValueTask.CompletedTask;
    }

    private void OnConnected(object? sender, MqttConnectedEventArgs e)
    {
        LogConnected(_options.Host!, _options.Port);
        _ = ListenAsync(NoteConnectionChange());
    }

    private void OnDisconnected(object? sender, MqttDisconnectedEventArgs e)
    {
        NoteConnectionChange();
        LogDisconnected(_options.Host!, _options.Port, e.Cause, e.ReasonCode);
    }

    private void OnConnectFailed(object? sender, MqttConnectFailedEventArgs e) =>
        LogConnectFailed(_options.Host!, _options.Port, e.Exception.Message, e.RetryAfter);

    [LoggerMessage(5, LogLevel.Warning, "Devices:AllowUnsigned with an outside broker: it hands a command on the shared topic to every device, and a sketch that does not look at its address obeys")]
    private partial void LogUnsignedOutside();

    [LoggerMessage(1, LogLevel.Information, "Connected to the broker at {Host}:{Port}")]
    private partial void LogConnected(string host, int port);

    [LoggerMessage(2, LogLevel.Warning, "Lost the broker at {Host}:{Port}: {Cause} {ReasonCode}")]
    private partial void LogDisconnected(string host, int port, MqttDisconnectCause cause, MqttReasonCode reasonCode);

    [LoggerMessage(3, LogLevel.Warning, "Cannot reach the broker at {Host}:{Port}: {Reason}; next try in {RetryAfter}")]
    private partial void LogConnectFailed(string host, int port, string reason, TimeSpan retryAfter);

    [LoggerMessage(4, LogLevel.Error, "The broker refuses the subscription to {Filter}: {ReasonCode}; no device will be heard")]
    private partial void LogSubscriptionRefused(string filter, MqttReasonCode reasonCode);
}
