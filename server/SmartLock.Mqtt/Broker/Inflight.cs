using System.Numerics;

namespace SmartLock.Mqtt.Broker;

/// <summary>A message and its terms, waiting for a session or under way to it. Holds the message.</summary>
/// <param name="Sequence">Where the session is stored: see <see cref="Persistence.MqttMessageQueued"/>. Otherwise zero.</param>
/// <param name="Batch">Of changes, without which it may not be sent.</param>
internal readonly record struct HeldDelivery(StoredMessage Message, DeliveryTerms Terms, long Sequence = 0, long Batch = 0);

internal enum InflightStep
{
    Free = 0,

    /// <summary>PUBLISH sent; PUBACK or PUBREC awaited.</summary>
    AwaitsAck,

    /// <summary>PUBREC came; PUBCOMP awaited for the PUBREL.</summary>
    AwaitsComplete,
}

/// <summary>
/// QoS 1 and 2 messages under way to one client, in sending order. Packet identifiers are consecutive, so an acknowledgement is found by its
/// distance from the oldest. The window bounds that distance: a client that acknowledges out of order is sent less meanwhile.
/// Guarded by the session's lock.
/// </summary>
internal sealed class Inflight
{
    private const int Identifiers = ushort.MaxValue;

    private Entry[] _ring = new Entry[4];
    private int _head;
    private int _span;
    private int _sent;
    private ushort _oldestId = 1;

    /// <summary>From the oldest unacknowledged message to the newest.</summary>
    public int Span => _span;

    /// <summary>The identifier that <see cref="Add"/> will give.</summary>
    public ushort NextId => IdAt(_span);

    /// <summary>Whether a further message may be sent: only once everything older has been sent on the present connection.</summary>
    public bool HasRoom(int window) => _sent == _span && _span < window;

    public bool HasRoomToResend(int window) => _sent < window;

    /// <summary>Adds what has just been sent under <see cref="NextId"/>.</summary>
    public void Add(in HeldDelivery delivery)
    {
        if (_span == _ring.Length)
        {
            Grow();
        }

        ref var entry = ref At(_span);
        entry.Delivery = delivery;
        entry.Step = InflightStep.AwaitsAck;
        _span++;
        _sent++;
    }

    /// <summary>
    /// Leaves out identifiers, so that the next message goes under the given one. The message waits while that would leave the window.
    /// </summary>
    public bool TrySkipTo(ushort id, int window)
    {
        if (_span == 0)
        {
            _oldestId = id;
            return true;
        }

        while (NextId != id)
        {
            if (!HasRoom(window))
            {
                return false;
            }

            Add(default);
            At(_span - 1).Step = InflightStep.Free;
        }

        return HasRoom(window);
    }

    /// <summary>Zero when nothing that is stored is under way under the identifier.</summary>
    public long SequenceOf(ushort id)
    {
        ref var entry = ref Find(id, out var found);
        return found ? entry.Delivery.Sequence : 0;
    }

    /// <summary>PUBACK, PUBCOMP, or a PUBREC that refuses. False when nothing of that kind is awaited under the identifier.</summary>
    public bool TryComplete(ushort id, InflightStep expected, MqttQoS qos)
    {
        ref var entry = ref Find(id, out var found);
        if (!found || entry.Step != expected || (expected == InflightStep.AwaitsAck && entry.Delivery.Terms.QoS != qos))
        {
            return false;
        }

        if (entry.Step == InflightStep.AwaitsAck)
        {
            entry.Delivery.Message.Release();
        }

        entry = default;
        TrimFront();
        return true;
    }

    /// <summary>PUBREC: the message itself is no longer needed.</summary>
    public bool TryReceive(ushort id)
    {
        ref var entry = ref Find(id, out var found);
        if (!found || entry.Step == InflightStep.Free || (entry.Step == InflightStep.AwaitsAck && entry.Delivery.Terms.QoS != MqttQoS.ExactlyOnce))
        {
            return false;
        }

        if (entry.Step == InflightStep.AwaitsAck)
        {
            entry.Delivery.Message.Release();
            entry = new Entry { Step = InflightStep.AwaitsComplete, Delivery = new HeldDelivery(null!, default, entry.Delivery.Sequence) };
        }

        return true;
    }

    /// <summary>A new connection: everything is to be sent again, in order.</summary>
    public void Rewind() => _sent = 0;

    /// <summary>The next one to send again; false when all have been.</summary>
    public bool TryPeekUnsent(out ushort id, out InflightStep step, out HeldDelivery delivery)
    {
        while (_sent < _span && At(_sent).Step == InflightStep.Free)
        {
            _sent++;
        }

        if (_sent == _span)
        {
            (id, step, delivery) = (0, InflightStep.Free, default);
            return false;
        }

        ref var entry = ref At(_sent);
        (id, step, delivery) = (IdAt(_sent), entry.Step, entry.Delivery);
        return true;
    }

    public void MarkSent() => _sent++;

    /// <summary>Lets go of every message.</summary>
    public void Clear()
    {
        for (var i = 0; i < _span; i++)
        {
            ref var entry = ref At(i);
            if (entry.Step == InflightStep.AwaitsAck)
            {
                entry.Delivery.Message.Release();
            }

            entry = default;
        }

        _span = _sent = _head = 0;
    }

    private ref Entry At(int offset) => ref _ring[(_head + offset) & (_ring.Length - 1)];

    private ushort IdAt(int offset) => (ushort)(((_oldestId - 1 + offset) % Identifiers) + 1);

    private ref Entry Find(ushort id, out bool found)
    {
        var offset = id >= _oldestId ? id - _oldestId : id + Identifiers - _oldestId;
        found = id != 0 && offset < _span;
        return ref At(found ? offset : 0);
    }

    private void TrimFront()
    {
        while (_span > 0 && _ring[_head].Step == InflightStep.Free)
        {
            _head = (_head + 1) & (_ring.Length - 1);
            _oldestId = IdAt(1);
            _span--;
            _sent = Math.Max(0, _sent - 1);
        }
    }

    private void Grow()
    {
        var larger = new Entry[(int)BitOperations.RoundUpToPowerOf2((uint)_ring.Length * 2)];
        for (var i = 0; i < _span; i++)
        {
            larger[i] = At(i);
        }

        _ring = larger;
        _head = 0;
    }

    private struct Entry
    {
        public HeldDelivery Delivery;
        public InflightStep Step;
    }
}
