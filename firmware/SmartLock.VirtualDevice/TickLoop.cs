using SmartLock.VirtualDevice.Board;

namespace SmartLock.VirtualDevice;

/// <summary>One timer for any number of boards: every 200 ms it looks whose next report is due.</summary>
internal sealed class TickLoop : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(200);

    private readonly Lock _gate = new();
    private readonly List<VirtualBoard> _boards = [];
    private readonly ITimer _timer;
    private int _running;

    public TickLoop(TimeProvider time)
    {
        _timer = time.CreateTimer(_ => Tick(), null, Period, Period);
    }

    public void Add(VirtualBoard board)
    {
        lock (_gate)
        {
            _boards.Add(board);
        }
    }

    public void Remove(VirtualBoard board)
    {
        lock (_gate)
        {
            var at = _boards.IndexOf(board);
            if (at < 0)
            {
                return;
            }

            // Order does not matter; moving the last one here spares shifting thousands.
            _boards[at] = _boards[^1];
            _boards.RemoveAt(_boards.Count - 1);
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Tick()
    {
        // A round that takes longer than the period is not overtaken by the next.
        if (Interlocked.Exchange(ref _running, 1) == 1)
        {
            return;
        }

        try
        {
            for (var at = 0; BoardAt(at) is { } board; at++)
            {
                board.TickIfDue();
            }
        }
        finally
        {
            Volatile.Write(ref _running, 0);
        }
    }

    /// <summary>Without holding the lock over the tick: a listener may stop its device.</summary>
    private VirtualBoard? BoardAt(int index)
    {
        lock (_gate)
        {
            return index < _boards.Count ? _boards[index] : null;
        }
    }
}
