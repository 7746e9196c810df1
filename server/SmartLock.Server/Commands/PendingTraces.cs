using System.Diagnostics;

namespace SmartLock.Server.Commands;

/// <param name="Parent">The span of the request that asked.</param>
internal sealed record PendingTrace(ActivityContext Parent, DateTimeOffset OpenedAt);

/// <summary>
/// The traces of commands that wait for their verdict. Bounded in number and in time: a verdict that comes later than any device gives one is
/// stored like every other, only its span is missing.
/// </summary>
internal sealed class PendingTraces
{
    public const int Most = 10_000;
    public static readonly TimeSpan KeptFor = TimeSpan.FromMinutes(2);

    private readonly System.Threading.Lock _gate = new();
    private readonly Dictionary<string, PendingTrace> _traces = new(StringComparer.Ordinal);

    // In the order of opening; holds closed ones too until their turn comes.
    private readonly Queue<(string CommandId, DateTimeOffset OpenedAt)> _order = new();

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _traces.Count;
            }
        }
    }

    public void Open(string commandId, ActivityContext parent, DateTimeOffset now)
    {
        lock (_gate)
        {
            while (_order.TryPeek(out var oldest) && (_order.Count >= Most || now - oldest.OpenedAt > KeptFor))
            {
                _order.Dequeue();
                _traces.Remove(oldest.CommandId);
            }

            if (_traces.TryAdd(commandId, new PendingTrace(parent, now)))
            {
                _order.Enqueue((commandId, now));
            }
        }
    }

    /// <summary>Null when there is none, or none any more.</summary>
    public PendingTrace? Close(string commandId)
    {
        lock (_gate)
        {
            return _traces.Remove(commandId, out var trace) ? trace : null;
        }
    }
}
