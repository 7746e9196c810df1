using System.Buffers;
using Microsoft.Extensions.Logging;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Client;

/// <summary>How a connection ended.</summary>
internal sealed record ConnectionEnd(MqttDisconnectCause Cause, MqttReasonCode ReasonCode, Exception? Exception = null);

/// <summary>
/// One connection from CONNECT to its end: what was negotiated, the reading loop, keep-alive, topic aliases, and the requests
/// that wait for an answer. The session above it outlives it.
/// </summary>
internal sealed class ClientConnection : IAsyncDisposable
{
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(2);

    // 3.1.1 has no receive maximum, yet brokers have a limit: mosquitto resets the connection at the 21st QoS 2 message.
    private const int InFlightLimitOf311 = 20;

    private readonly MqttConnection _transport;
    private readonly MqttClientOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _publishGate = new();
    private readonly PendingRequests _requests = new();
    private KeepAliveTimer? _keepAlive;
    private TopicAliases _aliases = new(0, 0);
    private MqttProperties? _limits;
    private ConnectionEnd? _end;
    private ConnectionEnd? _wished;
    private bool _isClosingInOrder;
    private int _isSayingGoodbye;

    public ClientConnection(MqttConnection transport, MqttClientOptions options, TimeProvider time, ILogger logger)
    {
        _transport = transport;
        _options = options;
        _time = time;
        _logger = logger;
        Output = new OutputQueue(
            transport.Output,
            options.ProtocolVersion,
            time,
            e => End(new(MqttDisconnectCause.ConnectionLost, MqttReasonCode.UnspecifiedError, e)));
    }

    public OutputQueue Output { get; }

    public PendingRequests Requests => _requests;

    /// <summary>How many QoS 1 and 2 messages the broker takes unacknowledged.</summary>
    public int ReceiveMaximum => _options.ProtocolVersion == MqttProtocolVersion.V311
        ? InFlightLimitOf311
        : _limits?.ReceiveMaximum ?? ushort.MaxValue;

    public bool IsEnded => Volatile.Read(ref _end) is not null;

    /// <summary>Sends CONNECT and waits for CONNACK, whatever it says.</summary>
    public async Task<ConnAckPacket> ConnectAsync(ConnectPacket packet, CancellationToken cancellationToken)
    {
        var batch = Output.Append(packet.WriteTo);
        Output.Flush();
        await Output.WrittenAsync(batch, cancellationToken).ConfigureAwait(false);
        while (true)
        {
            var result = await _transport.Input.ReadAsync(cancellationToken).ConfigureAwait(false);
            var buffer = result.Buffer;
            ConnAckPacket? connAck = null;
            try
            {
                if (MqttFrame.TryRead(ref buffer, _options.MaximumPacketSize, out var header, out var sequence))
                {
                    connAck = ReadConnAck(header, sequence);
                }
            }
            finally
            {
                // What follows CONNACK in the same read is unexamined, or the reading loop would wait for more before it looks.
                _transport.Input.AdvanceTo(buffer.Start, connAck is null ? buffer.End : buffer.Start);
            }

            if (connAck is not null)
            {
                return connAck;
            }

            if (result.IsCompleted || result.IsCanceled)
            {
                throw new IOException("The broker closed the connection before it answered CONNECT.");
            }
        }
    }

    /// <summary>Takes over what the broker announced and begins keep-alive.</summary>
    public void Begin(ConnAckPacket connAck)
    {
        _limits = connAck.Properties;
        var outgoing = Math.Min(_options.OutgoingTopicAliasMaximum, _limits?.TopicAliasMaximum ?? 0);
        _aliases = new TopicAliases(_options.TopicAliasMaximum, outgoing);
        var interval = _limits?.ServerKeepAlive is { } seconds ? TimeSpan.FromSeconds(seconds) : _options.KeepAlive;
        if (interval > TimeSpan.Zero)
        {
            _keepAlive = new KeepAliveTimer(_time, interval, Output, Ping, OnDead);
        }
    }

    /// <summary>Reads until the connection ends.</summary>
    public async Task<ConnectionEnd> ReadAsync(OutgoingMessages outgoing, IncomingMessages incoming)
    {
        try
        {
            while (!IsEnded)
            {
                var result = await _transport.Input.ReadAsync(CancellationToken.None).ConfigureAwait(false);
                var buffer = result.Buffer;
                _keepAlive?.OnReceived();
                try
                {
                    ProcessAll(ref buffer, outgoing, incoming);
                }
                finally
                {
                    _transport.Input.AdvanceTo(buffer.Start, buffer.End);
                }

                Output.Flush();
                if (result.IsCompleted || result.IsCanceled)
                {
                    // A broker may close on our DISCONNECT before the write has returned here.
                    End(Volatile.Read(ref _wished) ?? new(MqttDisconnectCause.ConnectionLost, MqttReasonCode.UnspecifiedError));
                }
                else
                {
                    await Output.WaitForRoomAsync(CancellationToken.None).ConfigureAwait(false);
                }
            }
        }
        catch (MqttProtocolException e)
        {
            await RefuseAsync(e).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Whatever the transport throws means that the connection is gone; the cause is reported by the client's event.
            End(new(MqttDisconnectCause.ConnectionLost, MqttReasonCode.UnspecifiedError, e));
        }

        if (Volatile.Read(ref _isClosingInOrder))
        {
            await DrainAsync().ConfigureAwait(false);
        }

        return Volatile.Read(ref _end)!;
    }

    /// <summary>Why the broker would not take the message, by what it announced; null when it would.</summary>
    public MqttReasonCode? RefusalOf(MqttMessage message, int propertiesLength)
    {
        if (_limits is null)
        {
            return null;
        }

        if (message.QoS > (_limits.MaximumQoS ?? MqttQoS.ExactlyOnce))
        {
            return MqttReasonCode.QoSNotSupported;
        }

        if (message.Retain && _limits.RetainAvailable == false)
        {
            return MqttReasonCode.RetainNotSupported;
        }

        // Fixed header 5, topic length 2, identifier 2, property length 4, alias 3: an upper bound of what is added.
        var size = 16L + MqttUtf8.GetByteCount(message.Topic) + propertiesLength + message.Payload.Length;
        return size > (_limits.MaximumPacketSize ?? uint.MaxValue) ? MqttReasonCode.PacketTooLarge : null;
    }

    /// <summary>Whether the broker takes a packet of this many bytes.</summary>
    public bool Takes(int size) => (uint)size <= (_limits?.MaximumPacketSize ?? uint.MaxValue);

    public OutputBatch AppendPublish(MqttMessage message, ReadOnlySpan<byte> properties, ushort packetId, bool isDuplicate)
    {
        const int StackLimit = 256;
        var length = MqttUtf8.GetByteCount(message.Topic);
        var topic = length <= StackLimit ? stackalloc byte[StackLimit] : new byte[length];
        topic = topic[..MqttUtf8.GetBytes(message.Topic, topic)];

        // An alias must be on the wire before it is used alone, so choosing it and queueing the packet are one step.
        lock (_publishGate)
        {
            var alias = _aliases.AliasOf(message.Topic, out var isKnown);
            return Output.Append(new OutgoingPublish
            {
                Topic = isKnown ? default : topic,
                Payload = message.Payload.Span,
                Properties = properties,
                QoS = message.QoS,
                Retain = message.Retain,
                Duplicate = isDuplicate,
                PacketId = packetId,
                TopicAlias = alias,
            });
        }
    }

    /// <summary>Says DISCONNECT; the reading loop then waits for the broker to close.</summary>
    public async Task CloseAsync(DisconnectPacket packet, ConnectionEnd end, CancellationToken cancellationToken)
    {
        // One goodbye is enough, and a second attempt must not cut the first one short.
        if (Interlocked.Exchange(ref _isSayingGoodbye, 1) != 0)
        {
            return;
        }

        try
        {
            var batch = Output.Append(o => packet.WriteTo(o, _options.ProtocolVersion), isLast: true);
            Volatile.Write(ref _wished, end);
            Output.Flush();
            await Output.WrittenAsync(batch, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // The peer does not take it any more: the connection is ended without it.
            Abort(end);
            return;
        }

        Volatile.Write(ref _isClosingInOrder, true);
        if (Interlocked.CompareExchange(ref _end, end, null) is null)
        {
            _transport.EndOutput();
            _transport.Input.CancelPendingRead();
        }
    }

    /// <summary>Ends the connection without a word, so that the broker publishes the will.</summary>
    public void Abort(ConnectionEnd end) => End(end);

    public async ValueTask DisposeAsync()
    {
        _keepAlive?.Dispose();
        Output.Fail(new IOException("The connection has ended."));
        _requests.Fail();
        try
        {
            await _transport.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Foreign code, and the stream is done with in any case: its failure must not end the client's reconnecting.
            _logger.TransportFailed(_options.ClientId, e.GetType().Name);
        }
    }

    private ConnAckPacket ReadConnAck(byte header, in ReadOnlySequence<byte> sequence)
    {
        using var body = new ContiguousBody(sequence);
        switch (MqttFrame.TypeOf(header))
        {
            case MqttPacketType.ConnAck:
                return ConnAckPacket.Read(body.Span, _options.ProtocolVersion);
            case MqttPacketType.Auth when _options.ProtocolVersion == MqttProtocolVersion.V500:
                AuthPacket.Read(body.Span, _options.ProtocolVersion);
                throw new MqttConnectException(
                    MqttReasonCode.BadAuthenticationMethod,
                    "The broker asks for enhanced authentication, which this client does not offer.");
            default:
                throw new MqttProtocolException(MqttReasonCode.ProtocolError, "The broker's first packet is not CONNACK.");
        }
    }

    private void ProcessAll(ref ReadOnlySequence<byte> buffer, OutgoingMessages outgoing, IncomingMessages incoming)
    {
        while (!IsEnded && MqttFrame.TryRead(ref buffer, _options.MaximumPacketSize, out var header, out var sequence))
        {
            using var body = new ContiguousBody(sequence);
            Process(header, body.Span, outgoing, incoming);
        }
    }

    private void Process(byte header, ReadOnlySpan<byte> body, OutgoingMessages outgoing, IncomingMessages incoming)
    {
        var version = _options.ProtocolVersion;
        switch (MqttFrame.TypeOf(header))
        {
            case MqttPacketType.Publish:
                var publish = PublishPacket.Read(header, body, version);
                incoming.OnPublish(this, publish, _aliases.Resolve(publish.Topic, publish.TopicAlias));
                break;
            case MqttPacketType.PubAck or MqttPacketType.PubRec or MqttPacketType.PubComp:
                outgoing.OnAcknowledged(AckPacket.Read(header, body, version));
                break;
            case MqttPacketType.PubRel:
                incoming.OnPubRel(this, AckPacket.Read(header, body, version));
                break;
            case MqttPacketType.SubAck:
                var subAck = SubAckPacket.Read(body, version);
                _requests.Answer(subAck.PacketId, MqttPacketType.SubAck, subAck.ReasonCodes);
                break;
            case MqttPacketType.UnsubAck:
                var unsubAck = UnsubAckPacket.Read(body, version);
                _requests.Answer(unsubAck.PacketId, MqttPacketType.UnsubAck, unsubAck.ReasonCodes);
                break;
            case MqttPacketType.PingResp:
                PingPackets.CheckBody(body);
                break;
            case MqttPacketType.Disconnect when version == MqttProtocolVersion.V500:
                End(new(MqttDisconnectCause.ByServer, DisconnectPacket.Read(body, version).ReasonCode));
                break;
            default:
                MqttProtocolException.ThrowProtocolError("The broker sent a packet that only a client may send.");
                break;
        }
    }

    /// <summary>Tells an MQTT 5 broker what it did wrong, as far as the connection still takes it.</summary>
    private async Task RefuseAsync(MqttProtocolException violation)
    {
        var end = new ConnectionEnd(MqttDisconnectCause.ProtocolViolation, violation.ReasonCode, violation);
        if (_options.ProtocolVersion == MqttProtocolVersion.V311)
        {
            End(end);
            return;
        }

        using var timeout = new CancellationTokenSource(_options.ConnectTimeout, _time);
        await CloseAsync(new DisconnectPacket(violation.ReasonCode), end, timeout.Token).ConfigureAwait(false);
    }

    /// <summary>
    /// Reads until the broker closes: a socket closed with unread data is reset, and the reset may overtake the DISCONNECT,
    /// which would set off the will.
    /// </summary>
    private async Task DrainAsync()
    {
        using var timeout = new CancellationTokenSource(DrainLimit, _time);
        try
        {
            while (true)
            {
                var result = await _transport.Input.ReadAsync(timeout.Token).ConfigureAwait(false);
                _transport.Input.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                {
                    return;
                }
            }
        }
        catch (Exception)
        {
            // Closed the hard way, or not at all in time; what an application's own transport throws for that is its choice.
            _transport.Abort();
        }
    }

    private void Ping()
    {
        Output.Append(PingPackets.WriteRequest);
        Output.Flush();
    }

    private void OnDead() => End(new(MqttDisconnectCause.KeepAliveTimeout, MqttReasonCode.KeepAliveTimeout));

    private void End(ConnectionEnd end)
    {
        if (Interlocked.CompareExchange(ref _end, end, null) is null)
        {
            _transport.Abort();
        }
    }
}
