using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Client;

/// <summary>
/// An MQTT client. <see cref="ConnectAsync"/> makes one attempt; <see cref="StartAsync"/> keeps the client connected. The
/// session (subscriptions, QoS 1 and 2 messages under way) is kept in memory over reconnects. All members may be called from
/// any thread. The handler is called for one message at a time, in their order.
/// </summary>
public sealed partial class MqttClient : IAsyncDisposable
{
    private readonly MqttClientOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _connecting = new(1, 1);
    private readonly CancellationTokenSource _lifetime = new();
    private readonly OutgoingMessages _outgoing;
    private readonly IncomingMessages _incoming;
    private ClientConnection? _connection;
    private TaskCompletionSource? _connected;
    private CancellationTokenSource _stop = new();
    private Task<ConnectionEnd>? _reading;
    private Task? _running;
    private CancellationToken _runningUntil;
    private bool _hasConnected;
    private bool _isDisposed;

    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public MqttClient(
        MqttClientOptions options,
        Func<MqttReceivedMessage, CancellationToken, ValueTask>? onMessage = null,
        TimeProvider? time = null,
        ILogger? logger = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _options = options;
        _time = time ?? TimeProvider.System;
        _logger = logger ?? NullLogger.Instance;
        _outgoing = new OutgoingMessages(options.MaxPending);
        _incoming = new IncomingMessages(options, onMessage, _logger, _lifetime.Token);
        ClientId = options.ClientId;
    }

    /// <summary>After CONNACK, on the thread that connected; resubscription is under way.</summary>
    public event EventHandler<MqttConnectedEventArgs>? Connected;

    /// <summary>After a connection that had been established has ended.</summary>
    public event EventHandler<MqttDisconnectedEventArgs>? Disconnected;

    /// <summary>After a failed attempt of <see cref="StartAsync"/>'s loop.</summary>
    public event EventHandler<MqttConnectFailedEventArgs>? ConnectFailed;

    /// <summary>As configured, or as the broker assigned it.</summary>
    public string ClientId { get; private set; }

    public bool IsConnected => Volatile.Read(ref _connection) is { IsEnded: false };

    /// <summary>QoS 0 messages dropped because the handler was too slow.</summary>
    public long DroppedMessages => _incoming.Dropped;

    /// <summary>Makes one attempt to connect.</summary>
    /// <exception cref="MqttConnectException">The broker refused, or did not answer.</exception>
    /// <exception cref="InvalidOperationException">The client is connected.</exception>
    public async Task<MqttConnectResult> ConnectAsync(CancellationToken cancellationToken = default)
    {
        var stop = BeginRun();
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stop);
        return await EstablishAsync(both.Token).ConfigureAwait(false)
            ?? throw new InvalidOperationException("The client is connected.");
    }

    /// <summary>
    /// Begins to connect in the background and to reconnect after every loss, until <see cref="DisconnectAsync"/>,
    /// <see cref="Abort"/> or disposal. Returns at once; await <see cref="WaitUntilConnectedAsync"/> for the connection.
    /// </summary>
    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var stop = BeginRun();
        lock (_gate)
        {
            // A loop that was told to stop may still be on its way out: the new one begins when it is gone.
            if (_running is null or { IsCompleted: true } || _runningUntil != stop)
            {
                var previous = _running ?? Task.CompletedTask;
                _runningUntil = stop;
                _running = Task.Run(() => KeepConnectedAsync(previous, stop), CancellationToken.None);
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>Keeps the client connected until the token is cancelled, then disconnects in order.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await StartAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await _running!.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await DisconnectAsync(cancellationToken: CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <exception cref="MqttNotConnectedException">The client is neither connected nor started.</exception>
    public async Task WaitUntilConnectedAsync(CancellationToken cancellationToken = default)
    {
        await ConnectedAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Completes when the handler has returned from every message that has come, and those that it acknowledges are acknowledged. For an
    /// end without loss: unsubscribe, wait for this, disconnect.
    /// </summary>
    public Task WaitUntilHandledAsync(CancellationToken cancellationToken = default) => _incoming.HandledAsync().WaitAsync(cancellationToken);

    /// <summary>
    /// Sends DISCONNECT, closes, and stops reconnecting. Messages that are queued or under way stay for a later connection.
    /// </summary>
    /// <param name="reasonCode">To an MQTT 5 broker; <see cref="MqttReasonCode.DisconnectWithWillMessage"/> has the will published.</param>
    /// <param name="cancellationToken">Closes without waiting for the broker.</param>
    /// <exception cref="ArgumentOutOfRangeException">The reason code is not one of a DISCONNECT.</exception>
    public async Task DisconnectAsync(
        MqttReasonCode reasonCode = MqttReasonCode.Success,
        CancellationToken cancellationToken = default)
    {
        ReasonCodeRules.ThrowUnlessLegal(MqttPacketType.Disconnect, reasonCode);
        var (connection, reading, running) = Stop();
        if (connection is not null)
        {
            using var timeout = new CancellationTokenSource(_options.ConnectTimeout, _time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
            var end = new ConnectionEnd(MqttDisconnectCause.Requested, reasonCode);
            await connection.CloseAsync(new DisconnectPacket(reasonCode), end, both.Token).ConfigureAwait(false);
        }

        await (reading ?? Task.CompletedTask).WaitAsync(cancellationToken).ConfigureAwait(false);
        await (running ?? Task.CompletedTask).WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Ends the connection as a power cut would: no DISCONNECT, so the broker publishes the will; received messages that wait
    /// for the handler are forgotten; no reconnect. The end is reported by <see cref="Disconnected"/>.
    /// </summary>
    public void Abort()
    {
        var (connection, _, _) = Stop();
        _incoming.Clear();
        connection?.Abort(new(MqttDisconnectCause.Aborted, MqttReasonCode.UnspecifiedError));
    }

    /// <summary>Ends the connection as a cut cable would; a started client reconnects.</summary>
    public void DropConnection()
    {
        Volatile.Read(ref _connection)?.Abort(new(MqttDisconnectCause.Aborted, MqttReasonCode.UnspecifiedError));
    }

    /// <summary>Disconnects in order; publishers that still wait are told that their messages are abandoned.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
        }

        await DisconnectAsync(cancellationToken: CancellationToken.None).ConfigureAwait(false);
        await _lifetime.CancelAsync().ConfigureAwait(false);
        _outgoing.Dispose();
        _lifetime.Dispose();
        _stop.Dispose();
    }

    private CancellationToken BeginRun()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_stop.IsCancellationRequested)
            {
                _stop = new CancellationTokenSource();
            }

            return _stop.Token;
        }
    }

    private (ClientConnection? Connection, Task? Reading, Task? Running) Stop()
    {
        CancellationTokenSource stop;
        TaskCompletionSource? waiting;
        lock (_gate)
        {
            stop = _stop;
            waiting = _connected;
            _connected = null;
        }

        stop.Cancel();
        waiting?.TrySetResult();

        // Read only now: a connection may have been taken over before the cancellation, none is afterwards.
        lock (_gate)
        {
            return (_connection, _reading, _running);
        }
    }
}
