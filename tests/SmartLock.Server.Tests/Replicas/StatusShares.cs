namespace SmartLock.Server.Tests.Replicas;

/// <summary>
/// Whether each status was handled by one of the servers. While nothing is wrong, by exactly one, and none by nobody. Around a fault the broker may have to hand
/// over again what was not acknowledged to it, and loses what it gave to a server that is cut off: the store and the next heartbeat see to that.
/// </summary>
internal sealed class StatusShares(StatusLedger ledger, StatusObserver observer, int servers, Action<string> say)
{
    private static readonly TimeSpan HandledWithin = TimeSpan.FromSeconds(10);

    /// <summary>How long an acknowledgement may be on its way in a connection that ends meanwhile.</summary>
    private static readonly TimeSpan OnItsWay = TimeSpan.FromSeconds(1);

    private List<StatusTrack> _calm = [];
    private long _calmUntil;
    private long _wholeFrom;

    /// <summary>All that was said so far belongs to the calm before the fault; what is under way is waited for.</summary>
    public async Task EndCalmAsync()
    {
        _calmUntil = TimeProvider.System.GetTimestamp();
        _calm = ledger.Said(until: _calmUntil);
        await HandledAsync(_calm);
    }

    /// <summary>What is said from now on finds all servers that are left.</summary>
    public void EndFault() => _wholeFrom = TimeProvider.System.GetTimestamp();

    public async Task CheckAsync()
    {
        var after = ledger.Said(_wholeFrom, TimeProvider.System.GetTimestamp());
        await HandledAsync(after);
        await Until.TrueAsync(() => ledger.Unsaid == 0, HandledWithin, "the observer has reported all that servers were handed");
        observer.HeardAll.ShouldBeTrue("the observer's connection was lost");
        ledger.Repeated.ShouldBe(0, "no status is said twice");

        CheckOnce(_calm, "before the fault", servers);
        CheckFault(ledger.Said(_calmUntil, _wholeFrom));
        CheckOnce(after, "after it", servers - 1);
    }

    private static Task HandledAsync(List<StatusTrack> statuses) =>
        Until.TrueAsync(() => statuses.TrueForAll(s => s.IsAcknowledged), HandledWithin, "each status that was said is acknowledged by a server");

    private void CheckOnce(List<StatusTrack> statuses, string when, int among)
    {
        statuses.Count(s => s.Handovers.Count != 1).ShouldBe(0, $"{when}, each is handed over once");
        statuses.Count(s => s.HandledBy != 1).ShouldBe(0, $"{when}, each is acknowledged");
        var shares = statuses.GroupBy(s => s.Handovers.First().Server).Select(g => g.Count()).ToList();
        shares.Count.ShouldBe(among, $"{when}, each server has a share");
        shares.Min().ShouldBeGreaterThan(statuses.Count / among / 4, $"{when}: {string.Join(", ", shares)}");
        say($"{statuses.Count} statuses {when}: each handed to one server ({string.Join(" + ", shares)}) and acknowledged by it, none to two, none lost");
    }

    private void CheckFault(List<StatusTrack> statuses)
    {
        var again = statuses.FindAll(s => s.Handovers.Count > 1);
        again.ShouldAllBe(s => IsExcused(s));
        var handled = statuses.GroupBy(s => s.HandledBy).ToDictionary(g => g.Key, g => g.Count());
        say($"{statuses.Count} statuses around the fault: {handled.GetValueOrDefault(1)} acknowledged by one server, "
            + $"{handled.Where(h => h.Key > 1).Sum(h => h.Value)} by two, {handled.GetValueOrDefault(0)} by none (swallowed); "
            + $"{again.Count} handed over again, none that the broker had an acknowledgement of");
    }

    /// <summary>Each time it was handed over again, the acknowledgement of the time before had not come, or was on its way when the connection ended.</summary>
    private static bool IsExcused(StatusTrack status) =>
        status.Handovers.Zip(status.Handovers.Skip(1)).All(pair =>
            !pair.First.IsAcknowledged || TimeProvider.System.GetElapsedTime(pair.First.AcknowledgedAt, pair.Second.At) < OnItsWay);
}
