using Microsoft.Extensions.Options;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Client;

namespace SmartLock.Server.Messaging;

/// <summary>The client of SmartLock.Mqtt as the server uses it.</summary>
internal sealed class OwnBrokerClient : IBrokerClient
{
    private readonly MqttClient _client;
    private readonly BrokerRoutes _routes = new();
    private readonly TimeProvider _time;
    private CancellationTokenSource _connection = new();
    private bool _hasLeft;
    private bool _isStopping;

    public OwnBrokerClient(IOptions<MqttOptions> options, TimeProvider time, ILogger<OwnBrokerClient> log)
    {
        _time = time;
        _client = new MqttClient(ClientOptions(options.Value), HearAsync, time, log);
        _client.Connected += OnConnected;
        _client.Disconnected += OnDisconnected;
        _client.ConnectFailed += (_, e) => ConnectFailed?.Invoke(this, new BrokerUnreachableEventArgs(e.Exception.Message, e.RetryAfter));
    }

    public event EventHandler? Connected;

    public event EventHandler<BrokerLostEventArgs>? Disconnected;

    public event EventHandler<BrokerUnreachableEventArgs>? ConnectFailed;

    public bool IsConnected => _client.IsConnected;

    public Task StartAsync(CancellationToken ct) => _client.StartAsync(ct);

    public async Task StopAsync(CancellationToken ct)
    {
        await LeaveAsync(ct);
        Volatile.Write(ref _isStopping, _client.IsConnected);
        await _client.DisconnectAsync(cancellationToken: ct);
    }

    /// <summary>Unsubscribed first, so that the broker hands to other replicas what this one would not live to handle.</summary>
    public async Task LeaveAsync(CancellationToken ct)
    {
        var filters = _routes.Filters;
        if (Interlocked.Exchange(ref _hasLeft, true) || !_client.IsConnected || filters.Count == 0)
        {
            return;
        }

        using var limit = new CancellationTokenSource(BrokerClientLimits.LeaveWithin, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        try
        {
            await _client.UnsubscribeAsync(filters, either.Token);
            await _client.WaitUntilHandledAsync(either.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or MqttNotConnectedException)
        {
            // What is not acknowledged by now is the broker's to hand over again.
            return;
        }
    }

    public async Task<SubscribeAnswer> SubscribeAsync(BrokerSubscription subscription, CancellationToken ct)
    {
        _routes.Set(subscription);
        if (!_client.IsConnected)
        {
            return SubscribeAnswer.NotConnected;
        }

        var asked = new MqttSubscription(
            subscription.Filter, MqttQoS.AtLeastOnce, RetainAsPublished: true, RetainHandling: MqttRetainHandling.DoNotSend);
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(Volatile.Read(ref _connection).Token, ct);
            var code = (await _client.SubscribeAsync([asked], null, either.Token))[0];
            return new SubscribeAnswer(code.IsFailure() ? SubscribeOutcome.Refused : SubscribeOutcome.Granted, code);
        }
        catch (Exception e) when (!ct.IsCancellationRequested && e is OperationCanceledException or ObjectDisposedException or MqttNotConnectedException)
        {
            return SubscribeAnswer.NotConnected;
        }
    }

    public async ValueTask<HandOver> PublishAsync(string topic, ReadOnlyMemory<byte> payload, uint expirySeconds, CancellationToken ct)
    {
        if (!_client.IsConnected)
        {
            return HandOver.NotSent;
        }

        var message = new MqttMessage(topic, payload)
        {
            QoS = MqttQoS.AtLeastOnce,
            Properties = new MqttProperties { MessageExpiryInterval = expirySeconds },
        };
        using var limit = new CancellationTokenSource(BrokerClientLimits.HandOverWithin, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        try
        {
            return (await _client.PublishAsync(message, either.Token)).IsDelivered ? HandOver.Delivered : HandOver.Unknown;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return HandOver.Unknown;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        _connection.Dispose();
    }

    private static MqttClientOptions ClientOptions(MqttOptions options) => new()
    {
        Host = options.Host!,
        Port = options.Port,
        Tls = options.Tls ? new MqttTlsOptions { CertificateAuthorityFile = options.CaFile } : null,
        ClientId = BrokerClientLimits.ClientIdOf(options),
        UserName = options.UserName,
        Password = options.Password,
        ProtocolVersion = options.ProtocolVersion == 5 ? MqttProtocolVersion.V500 : MqttProtocolVersion.V311,
        KeepAlive = options.KeepAlive,
        SessionExpiry = BrokerClientLimits.SessionExpiry,
        ReceiveMaximum = BrokerClientLimits.ReceiveMaximum,
        MaximumPacketSize = BrokerClientLimits.MaximumPacketSize,
        ReceiveQueueLimit = BrokerClientLimits.ReceiveQueueLimit,
        ConnectTimeout = BrokerClientLimits.ConnectWithin,
        ReconnectMinimum = BrokerClientLimits.ReconnectMinimum,
        ReconnectMaximum = BrokerClientLimits.ReconnectMaximum,
    };

    private ValueTask HearAsync(MqttReceivedMessage message, CancellationToken ct) =>
        _routes.Find(message.Topic) is { } subscription
            ? subscription.Hear(new BrokerMessage(message.Topic, message.Payload, message.Retain), ct)
            : ValueTask.CompletedTask;

    private void OnConnected(object? sender, MqttConnectedEventArgs e)
    {
        Interlocked.Exchange(ref _connection, new CancellationTokenSource()).Dispose();
        Connected?.Invoke(this, EventArgs.Empty);
    }

    /// <summary>A broker that has read the DISCONNECT may close before the client has noted that the end is its own: that looks like an end without a reason.</summary>
    private bool IsGoodbye(MqttDisconnectedEventArgs e) =>
        e.Cause is MqttDisconnectCause.Requested
        || (Volatile.Read(ref _isStopping) && e is { Cause: MqttDisconnectCause.ConnectionLost, Exception: null });

    private void OnDisconnected(object? sender, MqttDisconnectedEventArgs e)
    {
        // The client would ask again on its next connection, for whoever asks then too.
        Volatile.Read(ref _connection).Cancel();
        Disconnected?.Invoke(this, new BrokerLostEventArgs($"{e.Cause} {e.ReasonCode}", IsGoodbye(e)));
    }
}
