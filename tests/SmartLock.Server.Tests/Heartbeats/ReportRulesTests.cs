using SmartLock.Server.Heartbeats;
using SmartLock.Server.Locks;
using SmartLock.Server.Tests.Storage;

namespace SmartLock.Server.Tests.Heartbeats;

public sealed class ReportRulesTests
{
    /// <summary>A signed report that was received in the moment of the loss, or before it, may come from the connection that was lost.</summary>
    [Theory]
    [InlineData(-1, false)]
    [InlineData(0, false)]
    [InlineData(1, true)]
    public void A_signed_report_brings_a_lost_device_back_only_if_it_was_received_after_the_loss(int millisecondsAfterLoss, bool comesBack)
    {
        var lostAt = StoreSet.Noon.AddSeconds(9);
        var stored = new ReportedLock
        {
            DeviceId = "D1",
            Name = "Door",
            Owner = "ada",
            CreatedAt = StoreSet.Noon,
            Status = LockStatus.Locked,
            State = LockState.Unavailable,
            LastSeen = StoreSet.Noon,
            SentAt = 1_000,
            ConnectedAt = 500,
            LostAt = lostAt,
        };
        var report = StoreSet.Report("D1", lostAt.AddMilliseconds(millisecondsAfterLoss), connectedAt: 600) with { SentAt = 2_000, BySignature = true };

        var outcome = ReportRules.Take(stored, report).Outcome;

        (outcome is ReportOutcome.CameBack).ShouldBe(comesBack);
    }
}
