namespace SmartLock.Server.Locks;

/// <summary>A time in which a device was offline.</summary>
/// <param name="Until">Null while it lasts.</param>
/// <param name="Issue">Why the lock became Unavailable.</param>
internal sealed record HeartbeatGap(DateTimeOffset From, DateTimeOffset? Until, long Seconds, string Issue);

/// <param name="Gaps">Newest first, at most <see cref="HeartbeatGaps.MaxListed"/>; <paramref name="Count"/> and <paramref name="TotalSeconds"/> are of all.</param>
internal sealed record GapSummary(IReadOnlyList<HeartbeatGap> Gaps, int Count, long TotalSeconds);

/// <summary>Pairs a lock's changes of state into the gaps between them. Pure.</summary>
internal static class HeartbeatGaps
{
    public const int MaxListed = 50;

    /// <summary>
    /// A gap that began before <paramref name="since"/> is counted from there. One whose beginning is not known is none: so long a device was
    /// not its owner's, or had never reported.
    /// </summary>
    /// <param name="newestFirst">As <see cref="LockHistory.Changes"/>.</param>
    public static GapSummary Of(IReadOnlyList<StateChange> newestFirst, DateTimeOffset since, DateTimeOffset now)
    {
        var gaps = new List<HeartbeatGap>();
        (DateTimeOffset From, string Issue)? open = null;
        foreach (var change in newestFirst.Reverse())
        {
            if (change.Issue is { } issue)
            {
                open ??= (change.Time, issue);
                continue;
            }

            if (open is { } ended && change.Time > since)
            {
                gaps.Add(GapOf(ended.From, change.Time, ended.Issue, since, now));
            }

            open = null;
        }

        if (open is { } lasting)
        {
            gaps.Add(GapOf(lasting.From, null, lasting.Issue, since, now));
        }

        gaps.Reverse();
        return new GapSummary([.. gaps.Take(MaxListed)], gaps.Count, gaps.Sum(gap => gap.Seconds));
    }

    private static HeartbeatGap GapOf(DateTimeOffset from, DateTimeOffset? until, string issue, DateTimeOffset since, DateTimeOffset now)
    {
        var begin = from < since ? since : from;

        // Not below zero: the server's clock may have been set back in between.
        var seconds = Math.Max(0, (long)((until ?? now) - begin).TotalSeconds);
        return new HeartbeatGap(begin, until, seconds, issue);
    }
}
