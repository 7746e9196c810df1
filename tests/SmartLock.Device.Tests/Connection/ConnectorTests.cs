using SmartLock.Device.Tests.Rig;

namespace SmartLock.Device.Tests.Connection;

public sealed class ConnectorTests
{
    private static ServerPen Unlock(BoardRig rig, string id) =>
        new() { CommandId = id, IssuedAt = rig.Clock.UnixMs, ExpiresAt = rig.Clock.UnixMs + 10_000, Boot = rig.Board.Brain.Boot };

    [Fact]
    public void Network_first_then_the_broker_then_a_report_at_once()
    {
        var rig = new BoardRig();
        rig.After(5000, () => rig.Link.Drop());

        rig.Board.Connect();

        rig.NetworkAttempts.ShouldBe(1);
        rig.Link.Session.ShouldNotBeNull().UserName.ShouldBe(LockRig.DeviceId);
        rig.Link.Published[0].Report.GetProperty("status").GetString().ShouldBe("Locked");
        rig.Link.Published[0].Topic.ShouldBe($"smartlock/status/{LockRig.DeviceId}");
    }

    [Fact]
    public void A_heartbeat_every_nine_seconds_for_an_hour_whatever_the_connector_does()
    {
        var rig = new BoardRig();
        rig.After(3_600_000, () => rig.Link.Drop());

        rig.Board.Connect();

        var gaps = rig.Link.Published.Zip(rig.Link.Published.Skip(1), (a, b) => b.At - a.At).Skip(1).ToArray();
        gaps.Length.ShouldBeGreaterThan(390);
        gaps.ShouldAllBe(gap => gap >= 9000 && gap <= 9200);
    }

    [Fact]
    public void Each_connection_has_a_link_of_its_own_and_gives_it_back()
    {
        var rig = new BoardRig();
        for (var i = 0; i < 20; i++)
        {
            rig.After(30_000, () => rig.Link.Drop());
            rig.Board.Connect();
        }

        rig.Links.Count.ShouldBe(20);
        rig.Links.ShouldAllBe(link => link.Opened == 1 && link.Closed == 1);
        var connectedAt = rig.Links.Select(link => link.Session!.ConnectedAt).ToArray();
        connectedAt.ShouldBe(connectedAt.Order().Distinct());
    }

    [Fact]
    public void What_a_link_that_has_ended_still_brings_is_ignored()
    {
        var rig = new BoardRig();
        rig.After(5000, () => rig.Link.Drop());
        rig.Board.Connect();
        var old = rig.Link;
        rig.After(5000, () =>
        {
            old.Deliver(Unlock(rig, "late").Write());
            old.Listener!.OnClosed();
            old.Listener.OnAcknowledged();
            rig.After(5000, () => rig.Link.Drop());
        });

        rig.Board.Connect();

        rig.Bolt.Movements.ShouldBe(0);
        rig.Link.Published.Count.ShouldBeGreaterThan(1);
    }

    [Fact]
    public void Without_a_broker_the_waits_grow_to_a_minute_and_no_further()
    {
        var rig = new BoardRig { BrokerThere = false };
        var starts = new List<long>();
        for (var i = 0; i < 12; i++)
        {
            rig.Board.Connect();
            starts.Add(rig.Clock.UptimeMs);
        }

        var rounds = starts.Zip(starts.Skip(1), (a, b) => b - a).ToArray();
        rounds.ShouldBe(rounds.Order());
        rounds[^1].ShouldBeInRange(60_000, 64_000);
        rounds[0].ShouldBeInRange(4000, 6000);
        rig.NetworkAttempts.ShouldBe(1);
        rig.Links.ShouldAllBe(link => link.Closed == 1);
    }

    [Fact]
    public void A_good_connection_makes_the_next_wait_short_again_and_a_short_one_does_not()
    {
        var rig = new BoardRig { BrokerThere = false };
        for (var i = 0; i < 8; i++)
        {
            rig.Board.Connect();
        }

        rig.BrokerThere = true;
        rig.After(2000, () => rig.Link.Drop());
        var before = rig.Clock.UptimeMs;
        rig.Board.Connect();
        (rig.Clock.UptimeMs - before).ShouldBeGreaterThan(60_000);

        rig.After(12_000, () => rig.Link.Drop());
        before = rig.Clock.UptimeMs;
        rig.Board.Connect();
        (rig.Clock.UptimeMs - before).ShouldBeLessThan(15_000);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Without_a_network_no_link_is_made_and_it_goes_on_trying(bool throws)
    {
        var rig = new BoardRig { NetworkThere = false, NetworkThrows = throws };

        for (var i = 0; i < 5; i++)
        {
            rig.Board.Connect();
        }

        rig.NetworkAttempts.ShouldBe(5);
        rig.Links.ShouldBeEmpty();
        rig.Board.Signal.ShouldBe(Signal.NoNetwork);

        rig.NetworkThere = true;
        rig.NetworkThrows = false;
        rig.After(70_000, () => rig.Link.Drop());
        rig.Board.Connect();
        rig.Link.Published.ShouldNotBeEmpty();
    }

    [Fact]
    public void The_network_is_lost_and_the_link_is_given_up_within_a_second()
    {
        var rig = new BoardRig();
        long lostAt = 0;
        rig.After(20_000, () =>
        {
            rig.IsUp = false;
            lostAt = rig.Clock.UptimeMs;
        });
        rig.Waited = () =>
        {
            if (lostAt > 0 && rig.Link.Closed == 0)
            {
                (rig.Clock.UptimeMs - lostAt).ShouldBeLessThanOrEqualTo(1000);
            }
        };

        rig.Board.Connect();

        rig.Link.Closed.ShouldBe(1);
        rig.Board.Signal.ShouldBe(Signal.NoNetwork);
    }

    [Fact]
    public void A_broker_that_acknowledges_nothing_is_left()
    {
        var rig = new BoardRig();
        rig.After(20_000, () => rig.Link.Acknowledges = false);

        rig.Board.Connect();

        rig.Link.Closed.ShouldBe(1);
        rig.Clock.UptimeMs.ShouldBeInRange(38_000, 60_000);
        rig.Reboots.ShouldBe(0);
    }

    [Fact]
    public void The_clock_is_waited_for_but_not_for_ever()
    {
        var rig = new BoardRig();
        rig.Clock.UnixMs = 0;
        rig.After(40_000, () => rig.Link.Drop());

        rig.Board.Connect();

        rig.Link.Published[0].At.ShouldBeInRange(22_000, 24_000);
        rig.Link.Published[0].Report.GetProperty("issue").GetString().ShouldBe("Clock not set");
        rig.Link.Published[0].Report.GetProperty("status").GetString().ShouldBe("Locked");
    }

    [Fact]
    public void A_verdict_that_could_not_leave_leaves_on_the_next_connection()
    {
        var rig = new BoardRig();
        rig.After(15_000, () =>
        {
            rig.Link.Deliver(Unlock(rig, "told").Write());
            rig.Link.Drop();
            rig.Link.Deliver((Unlock(rig, "untold") with { Command = "LOCK", IssuedAt = rig.Clock.UnixMs + 1 }).Write());
        });
        rig.Board.Connect();
        rig.Bolt.Movements.ShouldBe(2);
        rig.After(5000, () => rig.Link.Drop());

        rig.Board.Connect();

        rig.Link.Published[0].Report.GetProperty("command_id").GetString().ShouldBe("untold");
        rig.Link.Published[0].Report.GetProperty("result").GetString().ShouldBe("done");
    }

    [Fact]
    public void Backoff_halves_at_most_by_chance()
    {
        var always = new Backoff(1000, 60_000, new Highest());

        var waits = Enumerable.Range(0, 9).Select(_ => always.Next()).ToArray();

        waits.ShouldBe([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    }

    private sealed class Highest : IChance
    {
        public int Below(int bound) => bound - 1;
    }
}
