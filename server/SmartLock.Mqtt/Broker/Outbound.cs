using System.Buffers;
using System.IO.Pipelines;
using SmartLock.Mqtt.Broker.Persistence;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Broker;

internal enum OutboundResult
{
    Written,

    /// <summary>The reader is too slow; for a message that can wait, the session is woken when there is room again.</summary>
    Full,

    /// <summary>Larger than the client's Maximum Packet Size.</summary>
    TooLarge,

    Closed,
}

internal interface IOutboundOwner
{
    /// <summary>Called by the flusher when a message found no room earlier and there is some now.</summary>
    void OnDrained();

    /// <summary>The transport does not take any more.</summary>
    void OnWriteFailed();
}

/// <summary>
/// What waits to be written to one connection. Publishers append encoded packets under a short lock and never wait; one flusher at a
/// time takes all there is and hands it to the transport. Idle, it holds no buffer.
/// </summary>
internal sealed partial class Outbound(PipeWriter writer, int limit, OutboundTotal total, IOutboundOwner owner, SessionJournal? journal = null)
    : IBufferWriter<byte>, IThreadPoolWorkItem
{
    // Within one turn, this much is worth a flush of its own.
    private const int FlushEarly = 32 * 1024;

    private readonly Lock _gate = new();
    private byte[]? _buffer;
    private int _length;
    private State _state;
    private bool _inTurn;
    private bool _wakeWhenDrained;
    private bool _closing;
    private TopicAliasTable? _aliases;
    private TaskCompletionSource? _drained;

    private enum State
    {
        Idle,

        /// <summary>Has bytes; the turn that wrote them starts the flusher.</summary>
        Written,

        /// <summary>The flusher is queued or runs; it looks again before it stops.</summary>
        Flushing,

        /// <summary>All there is rests on changes that are not committed yet; the journal tells when.</summary>
        Held,

        /// <summary>The transport is gone.</summary>
        Dead,
    }

    /// <summary>Owned by the <see cref="Turn"/> that this is part of.</summary>
    public Outbound? NextInTurn { get; set; }

    /// <summary>Set before the first publish: the client's version, Maximum Packet Size and Topic Alias Maximum.</summary>
    public MqttProtocolVersion Version { get; private set; } = MqttProtocolVersion.V311;

    public uint MaximumPacketSize { get; private set; } = uint.MaxValue;

    /// <summary>A hint, read without the lock.</summary>
    public bool HasRoom => Volatile.Read(ref _length) < limit && _state != State.Dead && !IsBeyondShare(size: 0);

    /// <summary>Bytes that wait; a hint, as above.</summary>
    public int Length => Volatile.Read(ref _length);

    public void Configure(MqttProtocolVersion version, uint maximumPacketSize, int topicAliases, int topicAliasBytes = 0)
    {
        Version = version;
        MaximumPacketSize = maximumPacketSize;
        _aliases = topicAliases > 0 ? new TopicAliasTable(topicAliases, topicAliasBytes) : null;
    }

    /// <param name="publish">Its topic alias is chosen here.</param>
    /// <param name="wake">Whether the session waits for room when there is none.</param>
    /// <param name="turn">Flushes it at its end.</param>
    /// <param name="holdUntil">The batch of changes without which it may not be sent; zero for none.</param>
    public OutboundResult TryWrite(in OutgoingPublish publish, bool wake, ref Turn turn, long holdUntil = 0)
    {
        lock (_gate)
        {
            if (_closing || _state == State.Dead)
            {
                return OutboundResult.Closed;
            }

            var size = publish.GetSize(Version);
            if ((_length > 0 && _length + size > limit) || IsBeyondShare(size))
            {
                _wakeWhenDrained |= wake;
                return OutboundResult.Full;
            }

            if ((uint)size > MaximumPacketSize)
            {
                return OutboundResult.TooLarge;
            }

            Hold(holdUntil);
            if (_aliases is null)
            {
                publish.WriteTo(this, Version);
            }
            else
            {
                _aliases.Write(publish, this);
            }

            AfterWrite(ref turn);
            return OutboundResult.Written;
        }
    }

    /// <summary>Acknowledgements: they may use as much again as messages may.</summary>
    public OutboundResult TryWrite(in AckPacket ack, ref Turn turn)
    {
        lock (_gate)
        {
            if (!MayWriteControl(out var refused))
            {
                return refused;
            }

            // The text goes where it does not fit (MQTT 5, 3.4.2.2.2); without it no acknowledgement is larger than the CONNACK that the client took.
            var isTooLarge = ack.Properties is not null && (uint)ack.GetSize(Version) > MaximumPacketSize;
            Hold(turn.HoldUntil);
            var before = _length;
            (isTooLarge ? ack with { Properties = null } : ack).WriteTo(this, Version);
            CountAnswer(_length - before);
            AfterWrite(ref turn);
            return OutboundResult.Written;
        }
    }

    /// <summary>Any other control packet.</summary>
    public OutboundResult TryWrite<T>(T packet, Action<T, IBufferWriter<byte>> write, ref Turn turn)
    {
        lock (_gate)
        {
            if (!MayWriteControl(out var refused))
            {
                return refused;
            }

            Hold(turn.HoldUntil);
            if (!TryAppend(packet, write))
            {
                return OutboundResult.TooLarge;
            }

            AfterWrite(ref turn);
            return OutboundResult.Written;
        }
    }

    /// <summary>
    /// Nothing is written after this but the goodbye, in one step, as no packet may follow it (MQTT 5, 3.14.4); what is there is still flushed.
    /// </summary>
    public void Close(DisconnectPacket? goodbye, ref Turn turn)
    {
        lock (_gate)
        {
            if (goodbye is not null && MayWriteControl(out _) && (TryAppend(goodbye, Write) || TryAppend(goodbye with { Properties = null }, Write)))
            {
                AfterWrite(ref turn);
            }

            _closing = true;
        }

        static void Write(DisconnectPacket packet, IBufferWriter<byte> output) => packet.WriteTo(output, MqttProtocolVersion.V500);
    }

    void IBufferWriter<byte>.Advance(int count) => Volatile.Write(ref _length, _length + count);

    Memory<byte> IBufferWriter<byte>.GetMemory(int sizeHint)
    {
        Reserve(sizeHint);
        return _buffer.AsMemory(_length);
    }

    Span<byte> IBufferWriter<byte>.GetSpan(int sizeHint)
    {
        Reserve(sizeHint);
        return _buffer.AsSpan(_length);
    }

    private bool MayWriteControl(out OutboundResult refused)
    {
        refused = _closing || _state == State.Dead ? OutboundResult.Closed : OutboundResult.Full;
        return refused != OutboundResult.Closed && _length / 2 < limit;
    }

    /// <returns>False when the packet is larger than the client takes: then it was not written (MQTT 5, 3.1.2.11.4).</returns>
    private bool TryAppend<T>(T packet, Action<T, IBufferWriter<byte>> write)
    {
        var before = _length;
        write(packet, this);
        if ((uint)(_length - before) <= MaximumPacketSize)
        {
            CountAnswer(_length - before);
            return true;
        }

        Volatile.Write(ref _length, before);
        if (before == 0 && _buffer is { } unused)
        {
            _buffer = null;
            OutboundBuffers.Return(unused);
            Count();
        }

        return false;
    }

    private void AfterWrite(ref Turn turn)
    {
        if (_state is State.Flushing or State.Held)
        {
            return;
        }

        _state = State.Written;
        if (_length >= FlushEarly)
        {
            StartFlusher();
            return;
        }

        if (!_inTurn)
        {
            _inTurn = true;
            turn.Add(this);
        }
    }

    private void Reserve(int size)
    {
        var needed = _length + Math.Max(size, 1);
        if (_buffer is null)
        {
            _buffer = OutboundBuffers.Rent(needed);
            Count();
            return;
        }

        if (_buffer.Length >= needed)
        {
            return;
        }

        var larger = OutboundBuffers.Rent(Math.Max(needed, _buffer.Length * 2));
        _buffer.AsSpan(0, _length).CopyTo(larger);
        OutboundBuffers.Return(_buffer);
        _buffer = larger;
        Count();
    }
}
