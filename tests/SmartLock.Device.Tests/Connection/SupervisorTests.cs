using SmartLock.Device.Tests.Rig;

namespace SmartLock.Device.Tests.Connection;

public sealed class SupervisorTests
{
    [Fact]
    public void A_day_without_a_network_or_a_broker_restarts_nothing()
    {
        var rig = new BoardRig { NetworkThere = false };
        while (rig.Clock.UptimeMs < 12 * 3_600_000)
        {
            rig.Board.Connect();
        }

        rig.NetworkThere = true;
        rig.BrokerThere = false;
        while (rig.Clock.UptimeMs < 24 * 3_600_000)
        {
            rig.Board.Connect();
        }

        rig.Reboots.ShouldBe(0);
    }

    [Fact]
    public void A_thread_of_ticks_that_hangs_restarts_the_board()
    {
        var rig = new BoardRig();
        rig.After(10_000, () => rig.TicksStand = true);
        rig.Waited = () => DropAfter(rig, 60_000);

        rig.Board.Connect();

        rig.Reboots.ShouldBeGreaterThan(0);
        rig.Log.Lines.ShouldContain("restarting: the heartbeat's thread stands still");
    }

    [Fact]
    public void A_connector_that_hangs_restarts_the_board()
    {
        var rig = new BoardRig();
        rig.Pass(Supervisor.ConnectorLimitMs);
        rig.Reboots.ShouldBe(0);

        rig.Pass(1000);

        rig.Reboots.ShouldBeGreaterThan(0);
        rig.Log.Lines.ShouldContain("restarting: the connection's thread stands still");
    }

    [Fact]
    public void Heartbeats_that_do_not_leave_restart_the_board_when_giving_the_link_up_does_not_help()
    {
        var clock = new ManualClock();
        var supervisor = new Supervisor(clock);
        var outbox = new LinkOutbox(clock, supervisor);
        var link = new RefusingLink();
        outbox.Connect(link);
        for (var i = 0; i < 46; i++)
        {
            supervisor.Complaint().ShouldBeNull();
            clock.Advance(1000);
            supervisor.Ticked();
            outbox.Send("t", []).ShouldBeFalse();
        }

        supervisor.Complaint().ShouldBe("no heartbeat leaves");
        outbox.Disconnect();
        supervisor.Complaint().ShouldBeNull();
    }

    private static void DropAfter(BoardRig rig, long uptimeMs)
    {
        if (rig.Clock.UptimeMs > uptimeMs && rig.Link.IsOpen)
        {
            rig.Link.Drop();
        }
    }

    private sealed class RefusingLink : ILink
    {
        public bool IsOpen => true;

        public void Open(Session session, ILinkListener listener)
        {
        }

        public bool Publish(string topic, byte[] payload) => false;

        public void Close()
        {
        }
    }
}
