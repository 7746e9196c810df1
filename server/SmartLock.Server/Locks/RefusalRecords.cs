using SmartLock.Server.Accounts;

namespace SmartLock.Server.Locks;

/// <summary>
/// Whether one more refused attempt on a lock that is not the actor's goes on the record, which is kept for good: strangers, who can have as many
/// accounts as they like, must not fill the disk or the owner's log. The first ones are all recorded, then they are further and further apart; counted
/// for the account and for its network, at this lock and at all, and for the lock. Missing locks count like others, so that nobody can tell.
/// Takes a fixed amount of memory.
/// </summary>
internal sealed class RefusalRecords(TimeProvider time)
{
    /// <summary>Of one account, or of one network, at one lock.</summary>
    public const int FreeAtLock = 20;

    /// <summary>Of one account or one network at all locks, and of everybody at one lock.</summary>
    public const int Free = 200;

    public static readonly TimeSpan LongestBetween = TimeSpan.FromMinutes(10);

    private readonly System.Threading.Lock _gate = new();
    private readonly FailureCounts _counts = new(2, 1 << 15);
    private readonly long _start = time.GetTimestamp();

    private TimeSpan Now => time.GetElapsedTime(_start);

    /// <param name="network">As <see cref="Infrastructure.ClientAddress"/> has it.</param>
    public bool MayRecord(string deviceId, string actor, string network)
    {
        var now = Now;
        lock (_gate)
        {
            return Counted(deviceId, actor, network).All(c => _counts.Wait(c.At, now, c.Free) == TimeSpan.Zero);
        }
    }

    /// <summary>One was recorded.</summary>
    public void Count(string deviceId, string actor, string network)
    {
        var now = Now;
        lock (_gate)
        {
            foreach (var (at, free) in Counted(deviceId, actor, network))
            {
                _counts.Count(at, now, free, LongestBetween);
            }
        }
    }

    private (int[] At, int Free)[] Counted(string deviceId, string actor, string network) =>
    [
        (_counts.Find($"{deviceId}\0account {actor}"), FreeAtLock),
        (_counts.Find($"{deviceId}\0network {network}"), FreeAtLock),
        (_counts.Find($"{deviceId}\0"), Free),
        (_counts.Find($"account {actor}"), Free),
        (_counts.Find($"network {network}"), Free),
    ];
}
