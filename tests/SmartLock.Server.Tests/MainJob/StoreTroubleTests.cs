using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Commands;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Telemetry;
using SmartLock.Server.Tests.Telemetry;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.MainJob;

/// <summary>What a store that cannot be written does to commands and heartbeats: a delay or a refusal, never a loss or a lie.</summary>
public sealed class StoreTroubleTests
{
    private static readonly TimeSpan AFewSeconds = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task While_the_file_is_held_an_unlock_is_refused_whole_and_afterwards_it_works_at_once()
    {
        await using var app = await TestApp.StartAsync();
        await using var door = await Door.OpenAsync(app, await app.OwnerAsync());
        (await ReadyAsync(app)).ShouldBe(HttpStatusCode.OK);
        using (var held = new HeldStore(app))
        {
            var (commands, entries) = (held.Count("commands"), held.Count("logs"));

            using var refused = await door.UnlockAsync().WaitAsync(AFewSeconds);

            await refused.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "store_unavailable");
            refused.Headers.RetryAfter.ShouldNotBeNull().Delta.ShouldNotBeNull().ShouldBeGreaterThan(TimeSpan.Zero);
            (await ReadyAsync(app)).ShouldBe(HttpStatusCode.ServiceUnavailable);
            (await app.Http.GetAsync("/health/live")).StatusCode.ShouldBe(HttpStatusCode.OK, "it need not be restarted");
            (held.Count("commands"), held.Count("logs")).ShouldBe((commands, entries));
        }

        door.Device.BoltMovements.ShouldBe(0);
        (await door.UnlockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);

        door.Device.BoltMovements.ShouldBe(1);
        (await ReadyAsync(app)).ShouldBe(HttpStatusCode.OK);
        (await ResultsAsync(door)).ShouldBe(["sent", "done"]);
    }

    [Fact]
    public async Task Many_who_want_one_lock_while_the_file_is_held_all_hear_of_it_within_seconds()
    {
        await using var app = await TestApp.StartAsync();
        await using var door = await Door.OpenAsync(app, await app.OwnerAsync());
        using (new HeldStore(app))
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => door.UnlockAsync())).WaitAsync(AFewSeconds);

            answers.ShouldAllBe(a => a.StatusCode == HttpStatusCode.ServiceUnavailable);
        }

        door.Device.BoltMovements.ShouldBe(0);
    }

    [Fact]
    public async Task A_verdict_that_finds_the_file_held_is_kept_and_stored_afterwards()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner);
        door.Device.Faults.Silent = true;
        using var accepted = await door.UnlockAsync(wait: null);
        accepted.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        await Eventually.TrueAsync(() => door.Device.BoltMovements == 1, "the device obeyed");
        using (new HeldStore(app))
        {
            door.Device.Faults.Silent = false;
            await Eventually.TrueAsync(
                () => app.Logs.All.Any(l => l.Text.StartsWith("Storing the reports of devices is delayed", StringComparison.Ordinal)),
                "the verdict was reported and could not be stored");
            (await StateOfAsync(owner, accepted)).ShouldBe("sent");
        }

        await Eventually.TrueAsync(async () => await StateOfAsync(owner, accepted) == "done", "the verdict is stored");

        (await ResultsAsync(door)).ShouldBe(["sent", "done"]);
        var read = await door.ReadAsync();
        read.GetProperty("state").GetString().ShouldBe("Available");
        read.GetProperty("status").GetString().ShouldBe("Unlocked");
    }

    [Fact]
    public async Task Heartbeats_received_while_the_file_is_held_count_and_nobody_is_marked_offline()
    {
        var clock = new FakeClock(TimeProvider.System.GetUtcNow());
        await using var app = await TestApp.StartAsync(clock);
        await using var door = await Door.OpenAsync(app, await app.OwnerAsync(), adjust: o => o with { Time = clock, KeepAlive = TimeSpan.Zero });
        var sweep = app.Services.GetRequiredService<OfflineSweep>();
        var seenBefore = (await door.ReadAsync()).GetProperty("last_seen").GetDateTimeOffset();
        using var measured = new Measured(app);
        using (new HeldStore(app))
        {
            clock.Advance(TimeSpan.FromSeconds(30));
            await ReceivedFromNowOnAsync(clock, measured);
            await ReceivedButNotStoredAsync(app);
            await Should.ThrowAsync<StoreUnavailableException>(() => sweep.RunAsync(default));
        }

        (await sweep.RunAsync(default)).ShouldBe(0);

        var read = await door.ReadAsync();
        read.GetProperty("state").GetString().ShouldBe("Available");
        read.GetProperty("last_seen").GetDateTimeOffset().ShouldBeGreaterThan(seenBefore.AddSeconds(25));
        (await door.LogAsync()).ShouldNotContain(e => e.GetProperty("result").GetString()!.StartsWith("unavailable", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_command_whose_verdict_waits_in_memory_does_not_expire()
    {
        var clock = new FakeClock(TimeProvider.System.GetUtcNow());
        await using var app = await TestApp.StartAsync(clock);
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner, adjust: o => o with { Time = clock, KeepAlive = TimeSpan.Zero });
        door.Device.Faults.Silent = true;
        using var accepted = await door.UnlockAsync(wait: null);
        await Eventually.TrueAsync(() => door.Device.BoltMovements == 1, "the device obeyed");
        using (new HeldStore(app))
        {
            door.Device.Faults.Silent = false;
            clock.Advance(TimeSpan.FromSeconds(10));
            await ReceivedButNotStoredAsync(app);
            clock.Advance(TimeSpan.FromSeconds(31));
        }

        await app.Services.GetRequiredService<CommandExpiry>().RunAsync(default);

        (await StateOfAsync(owner, accepted)).ShouldBe("done");
        (await ResultsAsync(door)).ShouldBe(["sent", "done"]);
    }

    [Fact]
    public async Task What_devices_executed_is_on_the_record_however_often_the_store_went_away()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        var doors = new List<Door>();
        for (var i = 0; i < 5; i++)
        {
            doors.Add(await Door.OpenAsync(app, owner, $"ESP32-{i}"));
        }

        var refused = 0;
        var accepted = 0;
        Task? requests = null;
        do
        {
            var (refusedBefore, acceptedBefore) = (refused, accepted);
            using (new HeldStore(app))
            {
                requests ??= Task.WhenAll(Enumerable.Range(0, 20).Select(i => UnlockFiveTimesAsync(doors[i % doors.Count])));
                await Eventually.TrueAsync(() => requests.IsCompleted || Volatile.Read(ref refused) > refusedBefore, "one is refused");
            }

            await Eventually.TrueAsync(() => requests.IsCompleted || Volatile.Read(ref accepted) > acceptedBefore, "one is accepted");
        }
        while (!requests.IsCompleted);

        await requests;
        refused.ShouldBeGreaterThan(0);
        (refused + accepted).ShouldBe(100);
        await EveryExecutionIsRecordedAsync(doors);
        await DisposeAllAsync(doors);

        async Task UnlockFiveTimesAsync(Door door)
        {
            for (var i = 0; i < 5; i++)
            {
                using var answer = await door.UnlockAsync(wait: null);
                answer.StatusCode.ShouldBeOneOf(HttpStatusCode.Accepted, HttpStatusCode.ServiceUnavailable);
                Interlocked.Increment(ref answer.StatusCode == HttpStatusCode.Accepted ? ref accepted : ref refused);
            }
        }
    }

    [Fact]
    public async Task A_full_disk_refuses_commands_whole_and_space_on_it_heals_everything()
    {
        await using var disk = await TinyDisk.MountAsync(megabytes: 16);
        Assert.SkipWhen(disk is null, "a tmpfs cannot be mounted here");
        await using var app = await TestApp.StartAsync($"--Data:Folder={disk.Folder}");
        await using var door = await Door.OpenAsync(app, await app.OwnerAsync());
        (await door.UnlockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);

        disk.Fill();
        await RefusedForTheDiskAsync(door);
        var movements = door.Device.BoltMovements;
        (await door.UnlockAsync()).StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        door.Device.BoltMovements.ShouldBe(movements, "what could not be recorded is not sent");
        (await ReadyAsync(app)).ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await door.LogAsync()).ShouldNotBeEmpty("what is there can still be read");

        disk.MakeRoom();

        (await door.LockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await door.UnlockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await ReadyAsync(app)).ShouldBe(HttpStatusCode.OK);
        await EveryExecutionIsRecordedAsync([door]);
        using var held = new HeldStore(app);
        held.Count("commands").ShouldBe(held.Count("logs WHERE action IN ('command.lock', 'command.unlock') AND result = 'sent'"));
    }

    /// <summary>The write-ahead log may have room in it from earlier, so some may still be recorded.</summary>
    private static async Task RefusedForTheDiskAsync(Door door)
    {
        for (var i = 0; i < 40; i++)
        {
            using var answer = await door.UnlockAsync(wait: null);
            if (answer.StatusCode == HttpStatusCode.ServiceUnavailable)
            {
                await answer.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "store_unavailable");
                return;
            }

            answer.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        }

        Assert.Fail("The disk never was full.");
    }

    private static async Task EveryExecutionIsRecordedAsync(IReadOnlyList<Door> doors)
    {
        foreach (var door in doors)
        {
            // The last verdict is repeated in heartbeats; those before it were reported once, and must have been kept.
            await Eventually.TrueAsync(async () => await UnrecordedAsync(door, "done") == 0, $"every verdict of {door.DeviceId} is stored");
            (await UnrecordedAsync(door, "sent")).ShouldBe(0);
        }

        doors.Sum(d => d.Device.ExecutedCommandIds.Count).ShouldBeGreaterThan(0);
    }

    private static async Task<int> UnrecordedAsync(Door door, string result)
    {
        var recorded = (await door.LogAsync())
            .Where(e => e.GetProperty("result").GetString() == result)
            .Select(e => e.GetProperty("command_id").GetString())
            .ToHashSet();
        return door.Device.ExecutedCommandIds.Count(id => !recorded.Contains(id));
    }

    /// <summary>What was said while the clock leapt may have been reported, and so dated, anywhere within the leap.</summary>
    private static Task ReceivedFromNowOnAsync(FakeClock clock, Measured measured)
    {
        double Believed() => measured.Sum(TelemetryNames.Statuses, (TelemetryNames.Result, "believed"));
        var before = Believed();
        return Eventually.TrueAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromMilliseconds(250));
                return Believed() > before;
            },
            "a heartbeat was reported");
    }

    private static Task ReceivedButNotStoredAsync(TestApp app) => Eventually.TrueAsync(
        async () =>
        {
            try
            {
                await app.Services.GetRequiredService<HeartbeatWriter>().FlushAsync(default);
                return false;
            }
            catch (StoreUnavailableException)
            {
                return true;
            }
        },
        "a report was reported and could not be stored");

    private static async Task<HttpStatusCode> ReadyAsync(TestApp app) => (await app.Http.GetAsync("/health/ready")).StatusCode;

    private static async Task<string?> StateOfAsync(SignedIn owner, HttpResponseMessage accepted) =>
        (await owner.Http.GetFromJsonAsync<JsonElement>(accepted.Headers.Location)).GetProperty("state").GetString();

    /// <summary>What the log says of commands, oldest first.</summary>
    private static async Task<IEnumerable<string?>> ResultsAsync(Door door) => (await door.LogAsync())
        .Where(e => e.GetProperty("action").GetString()!.StartsWith("command.", StringComparison.Ordinal))
        .Select(e => e.GetProperty("result").GetString())
        .Reverse();

    private static async Task DisposeAllAsync(List<Door> doors)
    {
        foreach (var door in doors)
        {
            await door.DisposeAsync();
        }
    }
}
