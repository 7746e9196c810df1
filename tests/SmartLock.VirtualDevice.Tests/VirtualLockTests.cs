using SmartLock.Device;
using SmartLock.Testing;
using SmartLock.VirtualDevice.Tests.Rig;

namespace SmartLock.VirtualDevice.Tests;

public sealed class VirtualLockTests
{
    [Fact]
    public async Task It_connects_with_the_sessions_login_and_will_and_reports_at_once()
    {
        await using var rig = new DeviceRig();
        await rig.StartAsync();

        rig.Device.IsConnected.ShouldBeTrue();
        rig.Link.Session.UserName.ShouldBe("ESP32-7C9EBD");
        rig.Link.Session.Password.ShouldBe(Server.Key.Sign("v1|mqtt|ESP32-7C9EBD"));
        var (topic, report) = rig.Link.Published.ShouldHaveSingleItem();
        topic.ShouldBe("smartlock/status/ESP32-7C9EBD");
        report.GetProperty("connected_at").GetInt64().ShouldBe(rig.Link.Session.ConnectedAt);
        report.GetProperty("status").GetString().ShouldBe("Locked");
        (rig.Device.RedLit, rig.Device.GreenLit).ShouldBe((true, false));
    }

    [Fact]
    public async Task A_command_is_done_counted_and_told()
    {
        await using var rig = new DeviceRig();
        await rig.StartAsync();

        rig.Unlock("c1");

        rig.Device.Status.ShouldBe(BoltStatus.Unlocked);
        rig.Device.BoltMovements.ShouldBe(1);
        rig.Device.ExecutedCommandIds.ShouldBe(["c1"]);
        rig.Device.GreenLit.ShouldBeTrue();
        rig.Link.LastReport.GetProperty("command_id").GetString().ShouldBe("c1");
        rig.Link.LastReport.GetProperty("result").GetString().ShouldBe("done");
        rig.Events.Single(e => e.Kind == VirtualLockEventKind.Decided).Decision!.Verdict.ShouldBe(Verdict.Done);
    }

    [Fact]
    public async Task Heartbeats_come_every_nine_seconds()
    {
        await using var rig = new DeviceRig();
        await rig.StartAsync();
        rig.Clock.Advance(TimeSpan.FromSeconds(90));
        rig.Link.Published.Count.ShouldBeInRange(10, 12);
    }

    [Fact]
    public async Task A_lost_connection_is_made_again_with_a_newer_session()
    {
        await using var rig = new DeviceRig();
        await rig.StartAsync();
        var first = rig.Link;

        first.Drop();
        await rig.UntilAsync(VirtualLockEventKind.ConnectionLost);
        await rig.AdvanceUntilAsync(() => rig.Network.Links.Count == 2);
        await rig.UntilAsync(VirtualLockEventKind.Connected, times: 2);

        rig.Link.Session.ConnectedAt.ShouldBeGreaterThan(first.Session.ConnectedAt);
        rig.Link.LastReport.GetProperty("connected_at").GetInt64().ShouldBe(rig.Link.Session.ConnectedAt);
        rig.Unlock("after");
        rig.Device.ExecutedCommandIds.ShouldBe(["after"]);
    }

    [Fact]
    public async Task While_the_broker_is_away_it_tries_ever_more_rarely()
    {
        await using var rig = new DeviceRig();
        rig.Network.Down = true;
        var starting = rig.Device.StartAsync();
        while (rig.Events.Count(e => e.Kind == VirtualLockEventKind.ConnectFailed) < 9)
        {
            // Beside the timer that ticks: before it is set, time that passes is none that the lock waits.
            await Eventually.TrueAsync(() => rig.Clock.PendingTimers == 2, "it waits for its next try");
            rig.Clock.Advance(TimeSpan.FromMilliseconds(50));
        }

        var tries = rig.Events.Where(e => e.Kind == VirtualLockEventKind.ConnectFailed).Select(e => e.At).ToList();
        (tries[1] - tries[0]).ShouldBeInRange(TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(1.5));
        (tries[^1] - tries[^2]).ShouldBeInRange(TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(35));

        rig.Network.Down = false;
        await rig.AdvanceUntilAsync(() => starting.IsCompleted);
        await starting;
    }

    [Fact]
    public async Task Stopping_says_goodbye_and_is_for_good()
    {
        await using var rig = new DeviceRig();
        await rig.StartAsync();

        await rig.Device.StopAsync();
        await rig.Device.StopAsync();

        rig.Link.SaidGoodbye.ShouldBeTrue();
        rig.Link.WasAborted.ShouldBeFalse();
        rig.Device.IsConnected.ShouldBeFalse();
        (rig.Device.RedLit, rig.Device.GreenLit).ShouldBe((false, false));
        await Should.ThrowAsync<ObjectDisposedException>(() => rig.Device.StartAsync());
    }

    [Fact]
    public async Task Stopping_ends_a_wait_for_a_broker_that_never_comes()
    {
        await using var rig = new DeviceRig();
        rig.Network.Down = true;
        var starting = rig.Device.StartAsync();
        await rig.UntilAsync(VirtualLockEventKind.ConnectFailed);

        await rig.Device.StopAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => starting);
    }

    [Fact]
    public async Task A_power_cut_is_no_goodbye_and_flash_outlives_it()
    {
        await using var rig = new DeviceRig();
        await rig.StartAsync();
        var unlock = Server.Unlock(rig.Device, rig.Clock, "before");
        var first = rig.Link;
        first.Deliver(unlock);

        rig.Device.CutPower(TimeSpan.FromSeconds(30));
        await rig.UntilAsync(VirtualLockEventKind.PowerCut);
        first.WasAborted.ShouldBeTrue();
        first.SaidGoodbye.ShouldBeFalse();
        (rig.Device.RedLit, rig.Device.GreenLit).ShouldBe((false, false));
        await rig.AdvanceUntilAsync(() => rig.Network.Links.Count == 2);
        await rig.UntilAsync(VirtualLockEventKind.Connected, times: 2);

        var report = rig.Link.LastReport;
        report.GetProperty("status").GetString().ShouldBe("Unlocked");
        report.GetProperty("command_id").GetString().ShouldBe("before");
        report.GetProperty("uptime_s").GetInt64().ShouldBeLessThan(30);
        rig.Link.Deliver(unlock);
        rig.Device.BoltMovements.ShouldBe(1);
        rig.Device.RefusalsOf(Refusal.Repeated).ShouldBe(1);
    }

    [Fact]
    public async Task Refusals_are_counted_over_boots()
    {
        await using var rig = new DeviceRig();
        await rig.StartAsync();
        rig.Link.Deliver([1, 2, 3]);
        rig.Device.CutPower(TimeSpan.Zero);
        await rig.UntilAsync(VirtualLockEventKind.PowerCut);
        await rig.AdvanceUntilAsync(() => rig.Network.Links.Count == 2);
        await rig.UntilAsync(VirtualLockEventKind.Connected, times: 2);
        rig.Link.Deliver([1, 2, 3], retained: true);
        rig.Link.Deliver([1, 2, 3]);

        rig.Device.RefusalsOf(Refusal.Malformed).ShouldBe(2);
        rig.Device.RefusalsOf(Refusal.Retained).ShouldBe(1);
    }

    [Fact]
    public async Task With_a_state_folder_the_flash_outlives_the_process()
    {
        var folder = Directory.CreateTempSubdirectory("smartlock-").FullName;
        byte[] unlock;
        await using (var rig = new DeviceRig(o => o with { StateFolder = folder }))
        {
            await rig.StartAsync();
            unlock = Server.Unlock(rig.Device, rig.Clock, "kept");
            rig.Link.Deliver(unlock);
            rig.Device.BoltMovements.ShouldBe(1);
        }

        await using (var rig = new DeviceRig(o => o with { StateFolder = folder, InitialStatus = BoltStatus.Unlocked }))
        {
            await rig.StartAsync();
            rig.Link.LastReport.GetProperty("command_id").GetString().ShouldBe("kept");
            rig.Link.Deliver(unlock);
            rig.Device.BoltMovements.ShouldBe(0);
        }

        Directory.GetFiles(folder).Length.ShouldBe(2);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task The_list_of_executed_commands_is_bounded()
    {
        await using var rig = new DeviceRig();
        await rig.StartAsync();
        for (var i = 0; i < 300; i++)
        {
            rig.Clock.Advance(TimeSpan.FromMilliseconds(1));
            rig.Unlock($"c{i}");
        }

        rig.Device.ExecutedCommandIds.Count.ShouldBe(256);
        rig.Device.ExecutedCommandIds[^1].ShouldBe("c299");
        rig.Device.BoltMovements.ShouldBe(300);
    }

    [Fact]
    public async Task A_device_on_the_shared_topics_stays_there()
    {
        await using var rig = new DeviceRig(o => o with { OwnTopics = false });
        await rig.StartAsync();
        rig.Link.Session.CommandTopics.ShouldBe(["smartlock/commands"]);
        rig.Link.Published.ShouldHaveSingleItem().Topic.ShouldBe("smartlock/status");
        rig.Unlock("c1");
        rig.Device.BoltMovements.ShouldBe(1);
    }

    [Fact]
    public void Options_do_not_print_the_key()
    {
        var options = new VirtualLockOptions { DeviceId = "d", Key = Server.Key };
        options.ToString().ShouldBe("d at localhost:1883");
    }

    [Fact]
    public async Task A_fleet_shares_one_clockwork_and_spreads_its_heartbeats()
    {
        var clock = new FakeClock();
        var network = new FakeNetwork();
        var members = Enumerable.Range(0, 300)
            .Select(i => ($"D{i}", DeviceKey.FromBytes(Server.Key.Mac([(byte)i, (byte)(i >> 8)]))))
            .ToList();
        await using var fleet = new VirtualFleet(
            new VirtualFleetOptions
            {
                Template = new VirtualLockOptions { DeviceId = "-", Key = Server.Key, Time = clock },
                Members = members,
            },
            network.OpenAsync);
        await fleet.StartAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(20));

        fleet.ConnectedCount.ShouldBe(300);
        clock.PendingTimers.ShouldBe(1);
        var perSecond = new List<int>();
        var before = 300;
        for (var second = 0; second < 18; second++)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            var total = network.Links.Sum(l => l.Published.Count);
            perSecond.Add(total - before);
            before = total;
        }

        perSecond.Skip(9).Sum().ShouldBeInRange(260, 340);
        perSecond.Skip(9).Max().ShouldBeLessThan(90);
    }
}
