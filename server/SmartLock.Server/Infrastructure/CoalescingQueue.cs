using System.Threading.Channels;

namespace SmartLock.Server.Infrastructure;

/// <summary>
/// A bounded queue with many writers and one reader. An item that equals one in the queue is not added again: whoever takes the first acts on what
/// both are about.
/// </summary>
internal sealed class CoalescingQueue<T>(int capacity)
    where T : notnull
{
    private readonly System.Threading.Lock _gate = new();
    private readonly HashSet<T> _queued = [];
    private readonly Channel<T> _channel = Channel.CreateBounded<T>(new BoundedChannelOptions(capacity) { SingleReader = true });

    public int Count => _channel.Reader.Count;

    /// <returns>False when the queue is full.</returns>
    public bool TryAdd(T item)
    {
        lock (_gate)
        {
            if (!_queued.Add(item) || _channel.Writer.TryWrite(item))
            {
                return true;
            }

            _queued.Remove(item);
            return false;
        }
    }

    /// <summary>What is in the queue now, oldest first; empty when nothing is.</summary>
    public List<T> Take(int most)
    {
        lock (_gate)
        {
            var taken = new List<T>(Math.Min(most, _channel.Reader.Count));
            while (taken.Count < most && _channel.Reader.TryRead(out var item))
            {
                _queued.Remove(item);
                taken.Add(item);
            }

            return taken;
        }
    }

    public void Clear() => Take(int.MaxValue);

    /// <summary>Returns when the queue is not empty.</summary>
    public async Task WaitAsync(CancellationToken ct) => await _channel.Reader.WaitToReadAsync(ct);

    /// <summary>Returns when the queue is not empty, or after <paramref name="atMost"/>.</summary>
    public async Task WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken ct)
    {
        using var timeout = new CancellationTokenSource(atMost, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, ct);
        try
        {
            await _channel.Reader.WaitToReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            // The time is over.
        }
    }
}

/// <summary>Wakes one reader. Calls that come before it waits count as one.</summary>
internal sealed class WakeUp
{
    private readonly CoalescingQueue<bool> _queue = new(1);

    public void Set() => _queue.TryAdd(true);

    public async Task WaitAsync(CancellationToken ct)
    {
        await _queue.WaitAsync(ct);
        _queue.Clear();
    }

    /// <summary>Returns after <paramref name="atMost"/> at the latest.</summary>
    public async Task WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken ct)
    {
        await _queue.WaitAsync(atMost, time, ct);
        _queue.Clear();
    }
}
