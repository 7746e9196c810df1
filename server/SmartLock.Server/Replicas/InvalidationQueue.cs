using SmartLock.Server.Accounts;
using SmartLock.Server.Commands;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Replicas;

internal enum InvalidationKind
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

    /// <summary>More was changed than could be sent.</summary>
    Everything,

    /// <summary>The sender's last message: it receives no more statuses.</summary>
    SignOff,
}

/// <summary>That something is another in the store now: ids, never what it is.</summary>
internal readonly record struct CacheInvalidation(InvalidationKind Kind, string Id, string? Of = null);

/// <summary>What this replica has stored and the others are to read again.</summary>
internal sealed class InvalidationQueue
{
    /// <summary>In one message; 100 of the longest ids stay below the 16 KB that the broker's client takes.</summary>
    public const int MostAtOnce = 100;

    private const int MostWaiting = 20_000;
    private readonly CoalescingQueue<CacheInvalidation> _waiting = new(MostWaiting);

    public InvalidationQueue(
        Events<LocksChanged> locks,
        Events<CommandsChanged> commands,
        Events<LockAccessChanged> access,
        Events<DeviceKeyChanged> keys,
        Events<SessionsEnded> sessions)
    {
        locks.Subscribe(changed => Add(changed.DeviceIds.Select(id => new CacheInvalidation(InvalidationKind.Lock, id))));
        commands.Subscribe(changed => Add(changed.Commands.Select(command => new CacheInvalidation(InvalidationKind.Command, command.Id))));
        access.Subscribe(changed => Add(changed.Usernames.Select(name => new CacheInvalidation(InvalidationKind.Access, changed.DeviceId, name))));
        keys.Subscribe(changed => Add([new CacheInvalidation(InvalidationKind.Key, changed.DeviceId)]));
        sessions.Subscribe(ended => Add([new CacheInvalidation(InvalidationKind.Session, ended.Username, ended.SessionId)]));
    }

    /// <summary>Waits for one; oldest first. Empty when the time is over.</summary>
    public async Task<List<CacheInvalidation>> TakeAsync(TimeSpan atMost, TimeProvider time, CancellationToken ct)
    {
        await _waiting.WaitAsync(atMost, time, ct);
        return Take();
    }

    /// <summary>What waits now; empty when nothing does.</summary>
    public List<CacheInvalidation> Take() => _waiting.Take(MostAtOnce);

    private void Add(IEnumerable<CacheInvalidation> invalidations)
    {
        foreach (var invalidation in invalidations)
        {
            if (!_waiting.TryAdd(invalidation))
            {
                // The broker has been unreachable for long: who reads everything again needs none of these.
                _waiting.Clear();
                _waiting.TryAdd(new CacheInvalidation(InvalidationKind.Everything, ""));
                return;
            }
        }
    }
}
