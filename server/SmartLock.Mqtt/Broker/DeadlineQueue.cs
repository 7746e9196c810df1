namespace SmartLock.Mqtt.Broker;

/// <summary>Something that falls due unless it is moved or cancelled: a connection's keep-alive, a session's end, a delayed will.</summary>
internal abstract class Deadline
{
    /// <summary>Place in the heap; below zero when not waiting. Written under the queue's lock.</summary>
    internal int HeapIndex { get; set; } = -1;

    /// <summary>Milliseconds of <see cref="BrokerClock"/>.</summary>
    internal long DueAt { get; set; }

    /// <summary>Called without a lock held; may have been cancelled or moved by another thread just before.</summary>
    public abstract void OnDue(long now);
}

/// <summary>Milliseconds since the broker was made, from a clock that never goes back.</summary>
internal sealed class BrokerClock(TimeProvider time)
{
    private readonly long _start = time.GetTimestamp();

    public TimeProvider Time { get; } = time;

    public long Now => (long)Time.GetElapsedTime(_start).TotalMilliseconds;

    /// <summary>What a message expiry interval still says; null when the message does not expire.</summary>
    public uint? SecondsLeft(long expiresAt)
    {
        if (expiresAt == Publication.NeverExpires)
        {
            return null;
        }

        // Rounded up: a message that is still valid never claims to have no time left.
        return (uint)Math.Clamp((expiresAt - Now + 999) / 1000, 0, uint.MaxValue);
    }

    /// <summary>For what must be understood after a restart; null for what never comes.</summary>
    public DateTimeOffset? ToUtc(long at) => at == Publication.NeverExpires ? null : Time.GetUtcNow().AddMilliseconds(at - Now);

    /// <summary>May be below zero.</summary>
    public long FromUtc(DateTimeOffset? at) => at is { } time ? Now + (long)(time - Time.GetUtcNow()).TotalMilliseconds : Publication.NeverExpires;

    /// <summary>The other way about.</summary>
    public long ExpiryAfter(uint? seconds) => seconds is { } s ? Now + (s * 1000L) : Publication.NeverExpires;
}

/// <summary>
/// All deadlines of a broker behind one timer: an indexed heap, so that moving or cancelling one costs O(log n) and leaves nothing behind.
/// </summary>
internal sealed class DeadlineQueue : IDisposable
{
    private readonly Lock _gate = new();
    private readonly BrokerClock _clock;
    private readonly ITimer _timer;
    private readonly Action<Exception> _onError;
    private Deadline[] _heap = new Deadline[16];
    private int _count;
    private long _armedFor = long.MaxValue;
    private bool _disposed;

    public DeadlineQueue(BrokerClock clock, Action<Exception> onError)
    {
        _clock = clock;
        _onError = onError;
        _timer = clock.Time.CreateTimer(static state => ((DeadlineQueue)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _count;
            }
        }
    }

    public void Set(Deadline deadline, long dueAt)
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            deadline.DueAt = dueAt;
            if (deadline.HeapIndex < 0)
            {
                Push(deadline);
            }
            else
            {
                Up(deadline.HeapIndex);
                Down(deadline.HeapIndex);
            }

            Arm();
        }
    }

    public void Cancel(Deadline deadline)
    {
        lock (_gate)
        {
            RemoveAt(deadline.HeapIndex);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            while (_count > 0)
            {
                RemoveAt(_count - 1);
            }
        }

        _timer.Dispose();
    }

    private void OnTimer()
    {
        var now = _clock.Now;
        lock (_gate)
        {
            _armedFor = long.MaxValue;
        }

        while (TakeDue(now) is { } deadline)
        {
            try
            {
                deadline.OnDue(now);
            }
#pragma warning disable CA1031 // One failing deadline must not stop the others, nor end the process from a timer thread.
            catch (Exception e)
#pragma warning restore CA1031
            {
                _onError(e);
            }
        }
    }

    private Deadline? TakeDue(long now)
    {
        lock (_gate)
        {
            if (_count == 0 || _heap[0].DueAt > now)
            {
                Arm();
                return null;
            }

            var due = _heap[0];
            RemoveAt(0);
            return due;
        }
    }

    private void Arm()
    {
        if (_disposed || _count == 0 || _heap[0].DueAt >= _armedFor)
        {
            return;
        }

        _armedFor = _heap[0].DueAt;
        // A timer that fires a fraction of a millisecond early finds nothing due and arms itself again; one millisecond at least keeps that from spinning.
        var wait = Math.Clamp(_armedFor - _clock.Now, 1, int.MaxValue);
        _timer.Change(TimeSpan.FromMilliseconds(wait), Timeout.InfiniteTimeSpan);
    }

    private void Push(Deadline deadline)
    {
        if (_count == _heap.Length)
        {
            Array.Resize(ref _heap, _count * 2);
        }

        deadline.HeapIndex = _count;
        _heap[_count++] = deadline;
        Up(deadline.HeapIndex);
    }

    private void RemoveAt(int index)
    {
        if (index < 0)
        {
            return;
        }

        _heap[index].HeapIndex = -1;
        var last = _heap[--_count];
        _heap[_count] = null!;
        if (index == _count)
        {
            return;
        }

        _heap[index] = last;
        last.HeapIndex = index;
        Up(index);
        Down(last.HeapIndex);
    }

    private void Up(int index)
    {
        while (index > 0 && _heap[index].DueAt < _heap[(index - 1) / 2].DueAt)
        {
            Swap(index, (index - 1) / 2);
            index = (index - 1) / 2;
        }
    }

    private void Down(int index)
    {
        while (true)
        {
            var least = (index * 2) + 1;
            if (least >= _count)
            {
                return;
            }

            if (least + 1 < _count && _heap[least + 1].DueAt < _heap[least].DueAt)
            {
                least++;
            }

            if (_heap[index].DueAt <= _heap[least].DueAt)
            {
                return;
            }

            Swap(index, least);
            index = least;
        }
    }

    private void Swap(int a, int b)
    {
        (_heap[a], _heap[b]) = (_heap[b], _heap[a]);
        _heap[a].HeapIndex = a;
        _heap[b].HeapIndex = b;
    }
}
