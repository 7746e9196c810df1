using System.Collections.Concurrent;
using SmartLock.Testing;
using SmartLock.VirtualDevice.Tests.Rig;

namespace SmartLock.VirtualDevice.Tests;

/// <summary>Those who listen to a lock are foreign code.</summary>
public sealed class ListenerTests
{
    private static readonly InvalidOperationException Bug = new("a bug of the test's listener");

    [Fact]
    public async Task One_that_throws_at_everything_ends_neither_the_lock_nor_the_telling_of_others()
    {
        await using var rig = new DeviceRig();
        var failures = new ConcurrentQueue<Exception>();
        var behind = new ConcurrentQueue<VirtualLockEventKind>();
        rig.Device.Happened += (_, _) => throw Bug;
        rig.Device.Happened += (_, happened) => behind.Enqueue(happened.Kind);
        rig.Device.ListenerFailed += (_, bug) => failures.Enqueue(bug);

        await rig.StartAsync();
        rig.Unlock("c1");
        rig.Link.Drop();
        await rig.UntilAsync(VirtualLockEventKind.ConnectionLost);
        await rig.AdvanceUntilAsync(() => rig.Network.Links.Count == 2);
        await rig.UntilAsync(VirtualLockEventKind.Connected, times: 2);
        rig.Device.CutPower(TimeSpan.FromSeconds(1));
        await rig.UntilAsync(VirtualLockEventKind.PowerCut);
        await rig.AdvanceUntilAsync(() => rig.Network.Links.Count == 3);
        await rig.UntilAsync(VirtualLockEventKind.Connected, times: 3);
        await rig.Device.StopAsync();

        behind.Order().ShouldBe(rig.Events.Select(e => e.Kind).Order());
        behind.Last().ShouldBe(VirtualLockEventKind.Stopped);
        failures.Count.ShouldBe(behind.Count);
        failures.ShouldAllBe(f => f == Bug);
    }

    [Fact]
    public async Task One_that_throws_within_a_tick_keeps_no_other_lock_of_the_fleet_from_its_heartbeats()
    {
        var clock = new FakeClock();
        var network = new FakeNetwork();
        await using var fleet = new VirtualFleet(
            new VirtualFleetOptions
            {
                Template = new VirtualLockOptions { DeviceId = "-", Key = Server.Key, Time = clock },
                Members = [("D1", Server.Key), ("D2", Server.Key)],
            },
            network.OpenAsync);
        var failures = new ConcurrentQueue<(VirtualLock Of, Exception Bug)>();
        fleet.Locks[0].Happened += (_, _) => throw Bug;
        fleet.Locks[0].ListenerFailed += (device, bug) => failures.Enqueue((device, bug));
        await fleet.StartAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(20));
        await Eventually.TrueAsync(() => failures.Count == 2, "it has told that it booted and connected");

        // A clock that is set back is a line of the brain's own log, which the tick that sees it tells.
        fleet.Locks[0].Faults.ClockOffset = TimeSpan.FromMinutes(-5);
        clock.Advance(TimeSpan.FromSeconds(30));

        failures.Count.ShouldBe(3);
        failures.ShouldAllBe(f => f.Of == fleet.Locks[0] && f.Bug == Bug);
        foreach (var link in network.Links)
        {
            link.Published.Count.ShouldBeGreaterThan(3, link.Session.UserName);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_nobody_hears_of_goes_to_standard_error_once(bool failsThereToo)
    {
        var errors = new StringWriter();
        var before = Console.Error;
        Console.SetError(TextWriter.Synchronized(errors));
        try
        {
            await using var rig = new DeviceRig();
            rig.Device.Happened += (_, _) => throw Bug;
            if (failsThereToo)
            {
                rig.Device.ListenerFailed += (_, _) => throw new NotSupportedException("another bug of the test");
            }

            await rig.StartAsync();
            await rig.Device.StopAsync();
        }
        finally
        {
            Console.SetError(before);
        }

        var text = errors.ToString();
        text.Split("a listener failed").Length.ShouldBe(2, text);
        text.ShouldContain(Bug.Message);
        text.Contains("another bug of the test", StringComparison.Ordinal).ShouldBe(failsThereToo);
    }
}
