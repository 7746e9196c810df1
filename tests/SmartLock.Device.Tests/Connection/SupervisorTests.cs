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

        // The link, over which nothing leaves any more, is given up sooner.
        rig.Board.Connect();
        rig.Pass(Supervisor.TickLimitMs);

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

    [Fact]
    public void A_board_that_stood_still_as_a_whole_is_no_board_that_hangs()
    {
        var clock = new ManualClock();
        var supervisor = new Supervisor(clock);
        supervisor.Connected();
        clock.Advance(600_000);

        supervisor.Complaint().ShouldBeNull("nobody could run, the supervisor neither");

        for (var passed = 0; passed < Supervisor.TickLimitMs; passed += LockBoard.SuperviseMs)
        {
            supervisor.Complaint().ShouldBeNull();
            clock.Advance(LockBoard.SuperviseMs);
        }

        clock.Advance(LockBoard.SuperviseMs);
        supervisor.Complaint().ShouldBe("the heartbeat's thread stands still");
    }

    [Fact]
    public void A_broker_that_lets_no_report_through_loses_the_link_and_restarts_nothing()
    {
        var rig = new BoardRig();
        rig.After(5000, () => rig.Link.Takes = false);

        rig.Board.Connect();

        rig.Link.Closed.ShouldBe(1);
        rig.Reboots.ShouldBe(0);
        rig.Clock.UptimeMs.ShouldBeLessThan(50_000);
    }

    [Fact]
    public void The_board_is_restarted_before_the_runtimes_clock_ends()
    {
        var clock = new ManualClock();
        var supervisor = new Supervisor(clock);
        clock.Advance(Supervisor.UptimeLimitMs - clock.UptimeMs);
        supervisor.Complaint().ShouldBeNull();
        clock.Advance(1);

        supervisor.Complaint().ShouldBe("the runtime's clock ends soon");
        Supervisor.UptimeLimitMs.ShouldBeLessThan(uint.MaxValue * 10L);
    }

    [Fact]
    public void Without_memory_for_a_line_in_the_log_it_is_restarted_all_the_same()
    {
        var rig = new BoardRig();
        rig.Log.Fails = true;

        Should.Throw<InvalidOperationException>(() => rig.Pass(Supervisor.ConnectorLimitMs + 1000));

        rig.Reboots.ShouldBe(1);
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
