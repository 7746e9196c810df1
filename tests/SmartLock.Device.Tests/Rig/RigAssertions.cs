namespace SmartLock.Device.Tests.Rig;

internal static class RigAssertions
{
    public static void ShouldNotHaveMoved(this LockRig rig, Refusal because)
    {
        rig.Bolt.Movements.ShouldBe(0);
        if (because is Refusal.Retained or Refusal.ForeignTopic or Refusal.Malformed or Refusal.OtherDevice or Refusal.BadSignature)
        {
            rig.Flash.Writes.ShouldBe(rig.Starts, "nobody without the key wears the flash out");
        }

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
