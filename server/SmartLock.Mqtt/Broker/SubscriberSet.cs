namespace SmartLock.Mqtt.Broker;

/// <summary>
/// The subscribers of one filter. Read without a lock while a writer (serialised by the tree) changes it: a removed slot becomes
/// empty, a new subscriber takes an empty slot or a new one, and within one array nobody ever moves, so a reader misses no one
/// who stays.
/// </summary>
internal sealed class SubscriberSet(byte[] filter)
{
    private const int SmallestToCompact = 64;

    private Subscription?[] _slots = new Subscription?[1];
    private Stack<int>? _free;
    private int _used;
    private uint _turn;

    /// <summary>The topic filter as matched: without <c>$share/group/</c>.</summary>
    public byte[] Filter { get; } = filter;

    public int Count { get; private set; }

    /// <summary>Empty slots are null.</summary>
    public Subscription?[] Slots => Volatile.Read(ref _slots);

    /// <summary>Where the next round-robin delivery of a shared subscription starts.</summary>
    public uint NextTurn() => Interlocked.Increment(ref _turn);

    public void Add(Subscription subscription)
    {
        Count++;
        subscription.Set = this;
        if (_free is null || !_free.TryPop(out var slot))
        {
            slot = _used++;
        }

        if (slot == _slots.Length)
        {
            var larger = new Subscription?[_slots.Length * 2];
            _slots.CopyTo(larger, 0);
            Volatile.Write(ref _slots, larger);
        }

        subscription.Slot = slot;
        Volatile.Write(ref _slots[slot], subscription);
    }

    /// <summary>In one write, so that no message falls between the old subscription and the new.</summary>
    public void Replace(Subscription old, Subscription replacement)
    {
        replacement.Set = this;
        replacement.Slot = old.Slot;
        Volatile.Write(ref _slots[old.Slot], replacement);
        old.Set = null;
    }

    public void Remove(Subscription subscription)
    {
        Count--;
        subscription.Set = null;
        Volatile.Write(ref _slots[subscription.Slot], null);
        (_free ??= new Stack<int>(1)).Push(subscription.Slot);
        if (_slots.Length >= SmallestToCompact && Count < _slots.Length / 4)
        {
            Compact();
        }
    }

    private void Compact()
    {
        var packed = new Subscription?[_slots.Length / 2];
        var next = 0;
        foreach (var subscription in _slots)
        {
            if (subscription is not null)
            {
                subscription.Slot = next;
                packed[next++] = subscription;
            }
        }

        _used = next;
        _free = null;
        Volatile.Write(ref _slots, packed);
    }
}
