using System.Net;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Heartbeats;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.MainJob;

public sealed class PresenceTests
{
    private readonly FakeClock _clock = new(TimeProvider.System.GetUtcNow());

    [Fact]
    public async Task A_device_that_left_a_will_and_lost_its_power_is_unavailable_at_once_and_back_when_it_is_back()
    {
        await using var app = await TestApp.StartAsync();
        await using var door = await Door.OpenAsync(app, await app.OwnerAsync());

        door.Device.CutPower(TimeSpan.FromSeconds(3));

        await door.StateAsync("Unavailable");
        (await door.ReadAsync()).GetProperty("issue").GetString().ShouldBe("Connection lost");
        (await door.UnlockAsync()).StatusCode.ShouldBe(HttpStatusCode.Conflict);
        await door.StateAsync("Available");
        (await door.ReadAsync()).GetProperty("issue").GetString().ShouldBeNull();
        (await door.UnlockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await StatesLoggedAsync(door)).ShouldBe(["available", "unavailable: Connection lost", "available"]);
    }

    [Fact]
    public async Task A_silent_device_is_flagged_after_twenty_seconds_and_not_before()
    {
        await using var app = await TestApp.StartAsync(_clock);
        await using var door = await OpenSilencedAsync(app);
        var sweep = app.Services.GetRequiredService<OfflineSweep>();

        _clock.Advance(TimeSpan.FromSeconds(20));
        (await sweep.RunAsync(default)).ShouldBe(0);
        (await door.ReadAsync()).GetProperty("state").GetString().ShouldBe("Available");

        _clock.Advance(TimeSpan.FromSeconds(1));
        (await sweep.RunAsync(default)).ShouldBe(1);
        var read = await door.ReadAsync();
        read.GetProperty("state").GetString().ShouldBe("Unavailable");
        read.GetProperty("issue").GetString().ShouldBe("No heartbeat");
        read.GetProperty("status").GetString().ShouldBe("Locked", "the last known value stays");
        (await sweep.RunAsync(default)).ShouldBe(0, "it is flagged once");

        door.Device.Faults.Silent = false;
        _clock.Advance(TimeSpan.FromSeconds(10));
        await door.StateAsync("Available");
        (await StatesLoggedAsync(door)).ShouldBe(["available", "unavailable: No heartbeat", "available"]);
    }

    [Fact]
    public async Task The_job_that_looks_for_silent_devices_really_runs()
    {
        await using var app = await TestApp.StartAsync("--Devices:OfflineAfter=00:00:01", "--Devices:SweepEvery=00:00:01");
        await using var door = await Door.OpenAsync(app, await app.OwnerAsync());
        door.Device.Faults.Silent = true;

        await door.StateAsync("Unavailable");

        (await door.ReadAsync()).GetProperty("issue").GetString().ShouldBe("No heartbeat");
    }

    [Theory]
    [InlineData(-365 * 24)]
    [InlineData(-2)]
    [InlineData(2)]
    [InlineData(365 * 24)]
    public async Task A_silent_device_is_flagged_as_soon_when_the_clock_is_set_between_two_starts(int hours)
    {
        var folder = Directory.CreateTempSubdirectory("smartlock-test-");
        try
        {
            await using (var first = await TestApp.StartAsync(_clock, null, null, $"--Data:Folder={folder.FullName}"))
            {
                await using var door = await OpenSilencedAsync(first);
            }

            _clock.Set(TimeSpan.FromHours(hours));
            await using var second = await TestApp.StartAsync(_clock, null, null, $"--Data:Folder={folder.FullName}");
            var sweep = second.Services.GetRequiredService<OfflineSweep>();

            (await sweep.RunAsync(default)).ShouldBe(0);
            _clock.Advance(TimeSpan.FromSeconds(21));
            (await sweep.RunAsync(default)).ShouldBe(1);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Heartbeats_leave_no_trace_in_the_log()
    {
        await using var app = await TestApp.StartAsync(_clock);
        await using var door = await Door.OpenAsync(app, await app.OwnerAsync(), adjust: o => o with { Time = _clock });
        var before = await door.LogAsync();
        var seen = (await door.ReadAsync()).GetProperty("last_seen").GetString();

        _clock.Advance(TimeSpan.FromSeconds(10));

        await Eventually.TrueAsync(
            async () =>
            {
                await app.Services.GetRequiredService<HeartbeatWriter>().FlushAsync(default);
                return (await door.ReadAsync()).GetProperty("last_seen").GetString() != seen;
            },
            "a heartbeat was stored");
        (await door.LogAsync()).Count.ShouldBe(before.Count);
    }

    [Fact]
    public async Task A_server_that_was_away_gives_devices_time_to_report_before_it_marks_them_offline()
    {
        var folder = Directory.CreateTempSubdirectory("smartlock-test-");
        try
        {
            await using (var first = await TestApp.StartAsync(_clock, null, null, $"--Data:Folder={folder.FullName}"))
            {
                await using var door = await OpenSilencedAsync(first);
            }

            _clock.Advance(TimeSpan.FromHours(1));
            await using var second = await TestApp.StartAsync(_clock, null, null, $"--Data:Folder={folder.FullName}");
            var sweep = second.Services.GetRequiredService<OfflineSweep>();

            (await sweep.RunAsync(default)).ShouldBe(0, "the server has only just begun to listen");
            _clock.Advance(TimeSpan.FromSeconds(19));
            (await sweep.RunAsync(default)).ShouldBe(0);
            _clock.Advance(TimeSpan.FromSeconds(2));
            (await sweep.RunAsync(default)).ShouldBe(1, "a device that died while the server was away is found");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task The_servers_own_stop_calls_no_device_lost()
    {
        var folder = Directory.CreateTempSubdirectory("smartlock-test-");
        try
        {
            var first = await TestApp.StartAsync($"--Data:Folder={folder.FullName}");
            await using var door = await Door.OpenAsync(first, await first.OwnerAsync("alice"));
            await first.DisposeAsync();

            await using var second = await TestApp.StartAsync($"--Data:Folder={folder.FullName}");
            var alice = await second.SignInAsync("alice");
            (await alice.Http.GetStringAsync("/api/locks/ESP32-7C9EBD")).ShouldContain("\"Available\"");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private async Task<Door> OpenSilencedAsync(TestApp app)
    {
        // Keep-alive off: on a clock that jumps, the broker would rightly close the connection, which is another story.
        var door = await Door.OpenAsync(app, await app.OwnerAsync(), adjust: o => o with { Time = _clock, KeepAlive = TimeSpan.Zero });
        door.Device.Faults.Silent = true;
        return door;
    }

    /// <summary>Oldest first.</summary>
    private static async Task<IEnumerable<string?>> StatesLoggedAsync(Door door) => (await door.LogAsync())
        .Where(e => e.GetProperty("action").GetString() == "lock.state")
        .Select(e => e.GetProperty("result").GetString())
        .Reverse();
}
