using SmartLock.Server.Commands;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Replicas;

internal enum HintKind
{
    /// <summary>A lock's status, state or issue. Id: the device's.</summary>
    Lock,

    /// <summary>A command was sent, or ended.</summary>
    Command,

    /// <summary>An account's access to a lock. Id: the device's; Of: the user name.</summary>
    Access,

    /// <summary>A device's key: it has another, or none any more.</summary>
    Key,

    /// <summary>Sessions were ended. Id: the user name; Of: the session, or null for all of the account's.</summary>
    Session,

    /// <summary>More was changed than could be told.</summary>
    Everything,

    /// <summary>The sender's last word: it has left the statuses to the others.</summary>
    Goodbye,
}

/// <summary>That something is another in the store now: ids, never what it is.</summary>
internal readonly record struct Hint(HintKind Kind, string Id, string? Of = null);

/// <summary>
/// What this replica has stored and the others are to read again. Told after the commit, at no cost to the teller but a place in a queue. A server that
/// is alone on its store and its broker has nobody to tell.
/// </summary>
internal sealed class Hints(bool hasReplicas)
{
    /// <summary>In one message; 100 of the longest ids stay below the 16 KB that the broker's client takes.</summary>
    public const int MostAtOnce = 100;

    private const int MostWaiting = 20_000;
    private readonly System.Threading.Lock _gate = new();
    private readonly AsyncSignal _something = new();
    private readonly Queue<Hint> _waiting = new();
    private readonly HashSet<string> _waitingLocks = new(StringComparer.Ordinal);

    public bool HasReplicas => hasReplicas;

    public void LocksChanged(IReadOnlyCollection<string> deviceIds)
    {
        if (!hasReplicas || deviceIds.Count == 0)
        {
            return;
        }

        lock (_gate)
        {
            foreach (var deviceId in deviceIds)
            {
                // One that waits already will be read after both changes.
                if (_waitingLocks.Add(deviceId))
                {
                    Add(new Hint(HintKind.Lock, deviceId));
                }
            }
        }

        _something.Set();
    }

    public void CommandsChanged(IReadOnlyCollection<Command> commands)
    {
        if (hasReplicas && commands.Count > 0)
        {
            Tell(commands.Select(c => new Hint(HintKind.Command, c.Id)));
        }
    }

    public void AccessChanged(string deviceId, IReadOnlyCollection<string> usernames)
    {
        if (hasReplicas && usernames.Count > 0)
        {
            Tell(usernames.Select(name => new Hint(HintKind.Access, deviceId, name)));
        }
    }

    public void KeyChanged(string deviceId)
    {
        if (hasReplicas)
        {
            Tell([new Hint(HintKind.Key, deviceId)]);
        }
    }

    /// <param name="sessionId">Null for all of the account's.</param>
    public void SessionsEnded(string username, string? sessionId)
    {
        if (hasReplicas)
        {
            Tell([new Hint(HintKind.Session, username, sessionId)]);
        }
    }

    /// <summary>Waits for one; oldest first. Empty when the time is over.</summary>
    public async Task<List<Hint>> TakeAsync(TimeSpan atMost, TimeProvider time, CancellationToken ct)
    {
        if (Take() is { Count: > 0 } taken)
        {
            return taken;
        }

        await _something.WaitAsync(atMost, time, ct);
        return Take();
    }

    /// <summary>What waits now; empty when nothing does.</summary>
    public List<Hint> Take()
    {
        lock (_gate)
        {
            var taken = new List<Hint>(Math.Min(_waiting.Count, MostAtOnce));
            while (taken.Count < MostAtOnce && _waiting.TryDequeue(out var hint))
            {
                taken.Add(hint);
                if (hint.Kind is HintKind.Lock)
                {
                    _waitingLocks.Remove(hint.Id);
                }
            }

            return taken;
        }
    }

    private void Tell(IEnumerable<Hint> hints)
    {
        lock (_gate)
        {
            foreach (var hint in hints)
            {
                Add(hint);
            }
        }

        _something.Set();
    }

    private void Add(Hint hint)
    {
        if (_waiting.Count < MostWaiting)
        {
            _waiting.Enqueue(hint);
            return;
        }

        // The broker has been away for long: whoever reads everything again needs none of these.
        _waiting.Clear();
        _waitingLocks.Clear();
        _waiting.Enqueue(new Hint(HintKind.Everything, ""));
    }
}
