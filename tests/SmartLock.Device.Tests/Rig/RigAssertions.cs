namespace SmartLock.Device.Tests.Rig;

internal static class RigAssertions
{
    public static void ShouldNotHaveMoved(this LockRig rig, Refusal because)
    {
        rig.Bolt.Movements.ShouldBe(0);
        rig.Flash.Writes.ShouldBe(0);
        rig.Brain.Status.ShouldBe(BoltStatus.Locked);
        rig.Brain.RefusalsOf(because).ShouldBe(1);
    }

    /// <summary>Nothing but the report of the connection itself went out, until the heartbeat that was due anyway.</summary>
    public static void ShouldHaveStayedSilent(this LockRig rig)
    {
        rig.TickFor(rig.Brain.NextReportAt - rig.Clock.UptimeMs - 400);
        rig.Outbox.Sent.ShouldHaveSingleItem();
        rig.LastReport.GetProperty("command_id").GetString().ShouldBeNull();
        rig.Log.Decisions.ShouldBeEmpty();
    }
}
