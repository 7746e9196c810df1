using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Broker;

/// <summary>
/// One network connection, from its first byte to its last. As a deadline: the time for its CONNECT, then its keep-alive, looked
/// at once per period and not per packet.
/// </summary>
internal sealed partial class BrokerConnection : Deadline, IOutboundOwner
{
    private readonly Lock _gate = new();
    private readonly BrokerCore _core;
    private readonly IDuplexPipe _transport;
    private readonly Action _abort;
    private readonly Action? _halfClose;
    private readonly EndPoint? _remoteEndPoint;
    private long _lastRead;
    private long _idleLimit;
    private int _closing;
    private bool _adds;
    private bool _isWelcome;
    private bool _isClosed;
    private Will? _will;
    private TaskCompletionSource? _closed;

    public BrokerConnection(BrokerCore core, IDuplexPipe transport, EndPoint? remoteEndPoint, X509Certificate2? certificate, Action abort, Action? halfClose)
    {
        _core = core;
        _transport = transport;
        _remoteEndPoint = remoteEndPoint;
        Address = RemoteAddress.Of(remoteEndPoint);
        _certificate = certificate;
        _abort = abort;
        _halfClose = halfClose;
        Outbound = new Outbound(transport.Output, core.Options.MaxOutboundBytes, core.OutboundTotal, this, core.Journal);
    }

    public Outbound Outbound { get; }

    /// <summary>Null where there is none.</summary>
    public RemoteAddress? Address { get; }

    /// <summary>Set once the client is accepted.</summary>
    public Session? Session { get; set; }

    public MqttIdentity Identity { get; private set; } = null!;

    public long SessionExpiryMilliseconds { get; private set; }

    /// <summary>What is published when the connection ends without a goodbye.</summary>
    public Will? Will => _will;

    /// <summary>How many QoS 1 and 2 messages may be under way to the client.</summary>
    public int Window { get; private set; }

    private MqttProtocolVersion Version => Outbound.Version;

    private bool IsClosing => Volatile.Read(ref _closing) != 0;

    /// <param name="aborted">The transport is gone.</param>
    public async Task RunAsync(CancellationToken aborted)
    {
        try
        {
            if (!_core.Connections.TryAdd(this))
            {
                _core.Counters.ConnectionRefused();
                return;
            }

            _core.Deadlines.Set(this, _core.Clock.Now + (long)_core.Options.ConnectTimeout.TotalMilliseconds);
            if (await ConnectAsync(aborted).ConfigureAwait(false))
            {
                await ReadAsync().ConfigureAwait(false);
            }
        }
        catch (MqttProtocolException e)
        {
            _core.Counters.ProtocolError();
            BrokerLog.ProtocolError(_core.Logger, _remoteEndPoint, e.ReasonCode, e.Message);
            Close(e.ReasonCode, e.Message);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException)
        {
            // The peer is gone or was sent away: nothing to tell it, nothing to report. Kestrel hands on the system's word that nobody answers as it is.
            Close(reason: null);
        }
#pragma warning disable CA1031 // An error in one connection must end no other, and never the process.
        catch (Exception e)
#pragma warning restore CA1031
        {
            BrokerLog.ConnectionFailed(_core.Logger, _remoteEndPoint, e);
            Close(MqttReasonCode.UnspecifiedError);
        }
        finally
        {
            await FinishAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Ends the connection; callable from anywhere, once. A v5 client is told the reason; null says nothing.</summary>
    public void Close(MqttReasonCode? reason, string? text = null)
    {
        if (Interlocked.Exchange(ref _closing, 1) != 0)
        {
            return;
        }

        // Not before the CONNACK that accepts (MQTT 5, 3.14).
        DisconnectPacket? goodbye = null;
        if (reason is { } code && Volatile.Read(ref _isWelcome) && Version == MqttProtocolVersion.V500)
        {
            var properties = text is null ? null : new MqttProperties { ReasonString = text };
            goodbye = new DisconnectPacket(ReasonCodeRules.Fit(MqttPacketType.Disconnect, code), properties);
            Volatile.Write(ref _isToldWhy, true);
        }

        var turn = default(Turn);
        Outbound.Close(goodbye, ref turn);
        turn.End(_core.Counters);
        CancelWait();
        _transport.Input.CancelPendingRead();
    }

    public void Abort() => _abort();

    /// <summary>Ends when the transport has been given the last word.</summary>
    public Task WhenClosedAsync()
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return Task.CompletedTask;
            }

            _closed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _closed.Task;
        }
    }

    /// <summary>The CONNECT is late, or the client has been silent for one and a half times its keep-alive.</summary>
    public override void OnDue(long now)
    {
        if (Session is null)
        {
            if (Volatile.Read(ref _isRefused))
            {
                TellRefusal();
                return;
            }

            Close(reason: null);
            return;
        }

        var due = Volatile.Read(ref _lastRead) + _idleLimit;
        if (now < due && !IsClosing)
        {
            _core.Deadlines.Set(this, due);
            return;
        }

        Close(MqttReasonCode.KeepAliveTimeout);
    }

    void IOutboundOwner.OnDrained()
    {
        if (Session is not { } session)
        {
            return;
        }

        var turn = default(Turn);
        try
        {
            session.Pump(this, ref turn);
        }
        finally
        {
            turn.End(_core.Counters);
        }
    }

    void IOutboundOwner.OnWriteFailed() => Close(reason: null);

    private async Task ReadAsync()
    {
        var input = _transport.Input;
        while (!IsClosing)
        {
            var result = await input.ReadAsync().ConfigureAwait(false);
            var buffer = result.Buffer;
            var isDone = true;
            if (!buffer.IsEmpty)
            {
                isDone = ProcessTurn(ref buffer);
            }

            input.AdvanceTo(buffer.Start, isDone ? buffer.End : buffer.Start);
            if (isDone && result.IsCompleted)
            {
                return;
            }

            if (!isDone)
            {
                await PauseAsync(Outbound.WhenRelievedAsync).ConfigureAwait(false);
            }
            else if (_adds && _core.Journal is { IsFull: true } journal)
            {
                await PauseAsync(journal.WhenRoomAsync).ConfigureAwait(false);
            }
        }
    }

    /// <summary>
    /// Nothing more is read from a client that leaves its answers unread while too much waits for all sockets, nor from one that has something
    /// stored while too much waits for the store.
    /// </summary>
    private async ValueTask PauseAsync(Func<CancellationToken, Task> until)
    {
        using var cancellation = new CancellationTokenSource();
        lock (_gate)
        {
            _waitCancellation = cancellation;
        }

        try
        {
            if (!IsClosing)
            {
                await until(cancellation.Token).ConfigureAwait(false);
            }
        }
        finally
        {
            lock (_gate)
            {
                _waitCancellation = null;
            }
        }
    }

    /// <returns>False when whole packets may be left, which wait until the client has read what it was answered.</returns>
    private bool ProcessTurn(ref ReadOnlySequence<byte> buffer)
    {
        var turn = default(Turn);
        var received = buffer.Length;
        try
        {
            while (!IsClosing)
            {
                buffer = buffer.Slice(ProcessSpan(buffer.FirstSpan, ref turn));
                if (Outbound.OwesReading && !buffer.IsEmpty)
                {
                    return false;
                }

                // What is left begins with a packet that is incomplete or crosses into the next segment.
                if (IsClosing || !MqttFrame.TryRead(ref buffer, (uint)_core.Options.MaxPacketSize, out var header, out var body))
                {
                    return true;
                }

                using var whole = new ContiguousBody(body);
                Process(header, whole.Span, ref turn);
            }

            return true;
        }
        finally
        {
            // Before the answers go out: who has its answer is known to live. A packet counts for the keep-alive, not a part of one.
            if (buffer.Length < received)
            {
                Volatile.Write(ref _lastRead, _core.Clock.Now);
            }

            _adds = turn.HoldUntil != 0;
            turn.End(_core.Counters);
        }
    }

    /// <returns>Bytes used up by whole packets.</returns>
    private int ProcessSpan(ReadOnlySpan<byte> span, ref Turn turn)
    {
        var used = 0;
        while (!IsClosing
            && !Outbound.OwesReading
            && MqttFrame.TryReadHeader(span[used..], (uint)_core.Options.MaxPacketSize, out var header, out var headerLength, out var bodyLength)
            && span.Length - used - headerLength >= bodyLength)
        {
            Process(header, span.Slice(used + headerLength, bodyLength), ref turn);
            used += headerLength + bodyLength;
        }

        return used;
    }

    private async Task FinishAsync()
    {
        try
        {
            Close(reason: null);
            _core.Deadlines.Cancel(this);
            if (Session is not null)
            {
                _core.Sessions.Detach(this, _will);
            }
        }
#pragma warning disable CA1031 // The will runs foreign code, an authorizer and handlers: whatever it throws, the connection is let go.
        catch (Exception e)
#pragma warning restore CA1031
        {
            BrokerLog.ConnectionFailed(_core.Logger, _remoteEndPoint, e);
        }
        finally
        {
            await LetGoAsync().ConfigureAwait(false);
        }
    }

    private async Task LetGoAsync()
    {
        try
        {
            await Outbound.WhenDrainedAsync().WaitAsync(_core.Options.DrainTimeout, _core.Clock.Time).ConfigureAwait(false);
            if (_halfClose is not null && Volatile.Read(ref _isToldWhy))
            {
                TellClosed();
                await DiscardAsync(_halfClose).ConfigureAwait(false);
            }
        }
        catch (TimeoutException)
        {
            _abort();
        }
        finally
        {
            await CompleteAsync().ConfigureAwait(false);
        }
    }

    private async Task CompleteAsync()
    {
        try
        {
            Outbound.Abandon();
            await _transport.Output.CompleteAsync().ConfigureAwait(false);
        }
        finally
        {
            try
            {
                await _transport.Input.CompleteAsync().ConfigureAwait(false);
            }
            finally
            {
                _core.Connections.Remove(this);
                TellClosed();
            }
        }
    }

    private void TellClosed()
    {
        lock (_gate)
        {
            _isClosed = true;
            _closed?.TrySetResult();
        }
    }
}
