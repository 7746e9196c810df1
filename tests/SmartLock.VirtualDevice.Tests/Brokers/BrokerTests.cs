using System.Text;
using SmartLock.Device;
using SmartLock.Testing;
using SmartLock.VirtualDevice.Tests.Rig;

namespace SmartLock.VirtualDevice.Tests.Brokers;

public sealed class EmbeddedBrokerTests : BrokerTests
{
    [Fact]
    public async Task A_device_with_the_wrong_key_is_turned_away_and_says_so()
    {
        await using var broker = await StartAsync();
        await using var device = new VirtualLock(broker.OptionsFor("D1") with { Key = Server.Key });
        var refused = new TaskCompletionSource<VirtualLockEvent>();
        device.Happened += (_, happened) =>
        {
            if (happened.Kind == VirtualLockEventKind.ConnectFailed)
            {
                refused.TrySetResult(happened);
            }
        };
        var starting = device.StartAsync(TestContext.Current.CancellationToken);

        var told = await refused.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

        told.Text.ShouldContain("refused");
        starting.IsCompleted.ShouldBeFalse();
        await device.StopAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => starting);
    }

    private protected override Task<BrokerUnderTest> StartBrokerAsync() => EmbeddedBroker.StartAsync();
}

public sealed class MosquittoTests : BrokerTests
{
    private protected override Task<BrokerUnderTest> StartBrokerAsync() => MosquittoBroker.StartAsync();
}

/// <summary>What holds on any broker.</summary>
public abstract class BrokerTests
{
    [Fact]
    public async Task A_command_comes_back_as_done_and_signed()
    {
        await using var broker = await StartAsync();
        await using var device = new VirtualLock(broker.OptionsFor("D1"));
        await device.StartAsync(TestContext.Current.CancellationToken);

        await broker.UnlockAsync("D1", "c1");
        var status = await broker.VerdictAsync("c1");

        BrokerUnderTest.Text(status, "result").ShouldBe("done");
        BrokerUnderTest.Text(status, "status").ShouldBe("Unlocked");
        BrokerUnderTest.Text(status, "topics").ShouldBe("own");
        SignedMessage.IsSigned(BrokerUnderTest.KeyOf("D1"), SignedMessage.Status, Encoding.UTF8.GetBytes(status.GetRawText())).ShouldBeTrue();
        device.BoltMovements.ShouldBe(1);
    }

    [Fact]
    public async Task On_the_shared_topic_only_the_one_that_is_meant_obeys()
    {
        await using var broker = await StartAsync();
        await using var meant = new VirtualLock(broker.OptionsFor("D1"));
        await using var other = new VirtualLock(broker.OptionsFor("D2"));
        await meant.StartAsync(TestContext.Current.CancellationToken);
        await other.StartAsync(TestContext.Current.CancellationToken);

        await broker.PublishAsync(
            "smartlock/commands", Server.Command("D1", BrokerUnderTest.KeyOf("D1"), "UNLOCK", "c1", TimeProvider.System, meant.Boot));
        await broker.VerdictAsync("c1");

        meant.BoltMovements.ShouldBe(1);
        other.BoltMovements.ShouldBe(0);
    }

    [Fact]
    public async Task A_retained_command_waits_for_nobody()
    {
        await using var broker = await StartAsync();
        await broker.PublishAsync(
            "smartlock/commands/D1",
            Server.Command("D1", BrokerUnderTest.KeyOf("D1"), "UNLOCK", "left", TimeProvider.System, boot: ""),
            retain: true);
        await using var device = new VirtualLock(broker.OptionsFor("D1"));
        await device.StartAsync(TestContext.Current.CancellationToken);

        await broker.UnlockAsync("D1", "live");
        await broker.VerdictAsync("live");

        device.RefusalsOf(Refusal.Retained).ShouldBe(1);
        device.ExecutedCommandIds.ShouldBe(["live"]);
    }

    [Fact]
    public async Task A_power_cut_leaves_the_sessions_own_will_and_the_device_comes_back()
    {
        await using var broker = await StartAsync();
        await using var device = new VirtualLock(broker.OptionsFor("D1"));
        await device.StartAsync(TestContext.Current.CancellationToken);
        var session = (await broker.StatusAsync(s => BrokerUnderTest.Text(s, "status") == "Locked")).GetProperty("connected_at").GetInt64();
        await broker.UnlockAsync("D1", "before");
        await broker.VerdictAsync("before");

        device.CutPower(TimeSpan.FromMilliseconds(100));

        var will = await broker.StatusAsync(s => BrokerUnderTest.Text(s, "state") == "Unavailable");
        will.GetProperty("connected_at").GetInt64().ShouldBe(session);
        BrokerUnderTest.Text(will, "issue").ShouldBe("Connection lost");
        SignedMessage.IsSigned(BrokerUnderTest.KeyOf("D1"), SignedMessage.Will, Encoding.UTF8.GetBytes(will.GetRawText())).ShouldBeTrue();
        var back = await broker.StatusAsync(s =>
            BrokerUnderTest.Text(s, "status") is not null && s.GetProperty("connected_at").GetInt64() > session);
        BrokerUnderTest.Text(back, "command_id").ShouldBe("before");
        BrokerUnderTest.Text(back, "status").ShouldBe("Unlocked");
        await broker.UnlockAsync("D1", "after");
        await broker.VerdictAsync("after");
        device.BoltMovements.ShouldBe(2);
    }

    [Fact]
    public async Task Without_a_will_a_power_cut_is_silent_and_a_goodbye_always_is()
    {
        await using var broker = await StartAsync();
        await using var willess = new VirtualLock(broker.OptionsFor("D1") with { LeaveWill = false });
        await using var polite = new VirtualLock(broker.OptionsFor("D2"));
        await willess.StartAsync(TestContext.Current.CancellationToken);
        await polite.StartAsync(TestContext.Current.CancellationToken);
        willess.CutPower(TimeSpan.FromMilliseconds(10));
        await polite.StopAsync();
        await broker.StatusAsync(s => BrokerUnderTest.Text(s, "device_id") == "D1" && broker.Statuses.Count(
            other => BrokerUnderTest.Text(other, "device_id") == "D1") > 1);

        // A status that is sent after both ends shows that no will was on its way before it.
        await broker.UnlockAsync("D1", "c1");
        await broker.VerdictAsync("c1");
        broker.Statuses.ShouldAllBe(s => BrokerUnderTest.Text(s, "state") == null);
    }

    [Fact]
    public async Task Thrown_off_by_another_with_its_name_it_comes_back()
    {
        await using var broker = await StartAsync();
        await using var device = new VirtualLock(broker.OptionsFor("D1"));
        await device.StartAsync(TestContext.Current.CancellationToken);
        var session = (await broker.StatusAsync(s => BrokerUnderTest.Text(s, "status") is not null)).GetProperty("connected_at").GetInt64();

        using var twin = await ServerSideClient.ConnectAsync(broker.Port, "D1", BrokerUnderTest.KeyOf("D1").Sign("v1|mqtt|D1"));
        await broker.StatusAsync(s => BrokerUnderTest.Text(s, "status") is not null && s.GetProperty("connected_at").GetInt64() > session);

        await broker.UnlockAsync("D1", "c1");
        await broker.VerdictAsync("c1");
        device.BoltMovements.ShouldBe(1);
    }

    [Fact]
    public async Task A_jam_reaches_the_server()
    {
        await using var broker = await StartAsync();
        await using var device = new VirtualLock(broker.OptionsFor("D1"));
        await device.StartAsync(TestContext.Current.CancellationToken);
        device.Faults.Jammed = true;
        await broker.UnlockAsync("D1", "c1");
        var status = await broker.VerdictAsync("c1");
        BrokerUnderTest.Text(status, "result").ShouldBe("jammed");
        BrokerUnderTest.Text(status, "status").ShouldBe("Unknown");
        BrokerUnderTest.Text(status, "issue").ShouldBe("Jammed");
    }

    [Fact]
    public async Task A_fleet_of_two_hundred_each_obeys_its_own_command()
    {
        await using var broker = await StartAsync();
        var ids = Enumerable.Range(0, 200).Select(i => $"F{i}").ToList();
        await using var fleet = new VirtualFleet(new VirtualFleetOptions
        {
            Template = broker.OptionsFor("-"),
            Members = [.. ids.Select(id => (id, BrokerUnderTest.KeyOf(id)))],
        });
        await fleet.StartAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(30));

        foreach (var id in ids)
        {
            await broker.UnlockAsync(id, "c-" + id);
        }

        foreach (var id in ids)
        {
            var status = await broker.VerdictAsync("c-" + id);
            BrokerUnderTest.Text(status, "device_id").ShouldBe(id);
            BrokerUnderTest.Text(status, "result").ShouldBe("done");
        }

        fleet.BoltMovements.ShouldBe(200);
        fleet.Locks.ShouldAllBe(l => l.Status == BoltStatus.Unlocked && l.ExecutedCommandIds.Count == 1);
    }

    private protected abstract Task<BrokerUnderTest> StartBrokerAsync();

    private protected async Task<BrokerUnderTest> StartAsync()
    {
        var broker = await StartBrokerAsync();
        await broker.ListenAsync();
        return broker;
    }
}
