using System.Net;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Accounts;
using SmartLock.Server.Commands;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Live;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Live;

public sealed class EventStreamTests
{
    [Fact]
    public async Task An_unlock_is_told_from_the_button_to_the_bolt()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner);
        await using var stream = await EventStream.OpenAsync(owner);

        using var answer = await door.UnlockAsync();

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        var all = await stream.UntilAsync(e => e.Kind == "command" && e.Text("state") == "done");

        // The device's first report may be published only after the stream was opened.
        var seen = all.SkipWhile(e => e.Kind == "lock").ToList();
        seen.Select(e => e.Kind == "lock" ? e.Text("status") : e.Text("state")).ShouldBe(["sent", "Unlocked", "done"]);
        seen.ShouldAllBe(e => e.Text("device_id") == door.DeviceId);
        var command = await answer.JsonAsync();
        seen[2].Data.ToString().ShouldBe(command.ToString());
        seen[1].Data.EnumerateObject().Select(p => p.Name).ShouldBe(["device_id", "status", "state", "issue", "last_seen"]);
    }

    [Fact]
    public async Task A_stranger_and_an_admin_are_told_nothing()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner);
        await using var stranger = await EventStream.OpenAsync(await app.OwnerAsync());
        await using var admin = await EventStream.OpenAsync(await app.AdminAsync());
        await using var stream = await EventStream.OpenAsync(owner);

        using var answer = await door.UnlockAsync();

        await stream.UntilAsync(e => e.Kind == "command" && e.Text("state") == "done");
        stranger.Rest().ShouldBeEmpty();
        admin.Rest().ShouldBeEmpty();
    }

    [Fact]
    public async Task Heartbeats_are_not_told_and_silence_and_return_are()
    {
        var clock = new FakeClock(TimeProvider.System.GetUtcNow());
        await using var app = await TestApp.StartAsync(clock);
        var owner = await app.OwnerAsync();

        // Keep-alive off: a ping that is under way when the clock leaps would have no time for its answer.
        await using var door = await Door.OpenAsync(app, owner, adjust: o => o with { Time = clock, KeepAlive = TimeSpan.Zero });
        await using var stream = await EventStream.OpenAsync(owner);
        var reported = (await door.ReadAsync()).GetProperty("last_seen").GetString();
        clock.Advance(TimeSpan.FromSeconds(10));
        await Eventually.TrueAsync(
            async () =>
            {
                await app.Services.GetRequiredService<HeartbeatWriter>().FlushAsync(default);
                return (await door.ReadAsync()).GetProperty("last_seen").GetString() != reported;
            },
            "a heartbeat was stored");

        door.Device.Faults.Silent = true;
        await Eventually.TrueAsync(
            async () =>
            {
                // Again, if a status was on its way when the device fell silent: it was reported by the later time.
                clock.Advance(TimeSpan.FromSeconds(21));
                return await app.Services.GetRequiredService<OfflineSweep>().RunAsync(default) == 1;
            },
            "the silent device was found");

        var gone = await stream.NextAsync();
        if (gone.Text("state") == "Available")
        {
            // That the device came online is told after it is stored, so perhaps to a stream that was opened in between.
            gone = await stream.NextAsync();
        }

        (gone.Kind, gone.Text("state"), gone.Text("issue")).ShouldBe(("lock", "Unavailable", "No heartbeat"));
        door.Device.Faults.Silent = false;
        clock.Advance(TimeSpan.FromSeconds(10));
        await door.StateAsync("Available");
        var back = await stream.NextAsync();
        (back.Kind, back.Text("state"), back.Text("issue")).ShouldBe(("lock", "Available", null));
    }

    [Fact]
    public async Task A_command_that_nobody_answers_is_told_to_have_expired()
    {
        var clock = new FakeClock(TimeProvider.System.GetUtcNow());
        await using var app = await TestApp.StartAsync(clock);
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner, adjust: o => o with { Time = clock });
        await using var stream = await EventStream.OpenAsync(owner);
        door.Device.Faults.Silent = true;
        using var answer = await door.UnlockAsync(wait: null);

        clock.Advance(TimeSpan.FromSeconds(40));
        await app.Services.GetRequiredService<CommandExpiry>().RunAsync(default);

        var seen = await stream.UntilAsync(e => e.Kind == "command" && e.Text("state") != "sent");
        seen.Where(e => e.Kind == "command").Select(e => e.Text("state")).ShouldBe(["sent", "expired"]);
    }

    [Fact]
    public async Task What_was_missed_is_told_on_return_and_once()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner);
        string lastId;
        await using (var first = await EventStream.OpenAsync(owner))
        {
            using var unlocked = await door.UnlockAsync();
            await first.UntilAsync(e => e.Kind == "command" && e.Text("state") == "done");
            lastId = first.LastEventId!;
        }

        using var locked = await door.LockAsync();
        await Eventually.TrueAsync(
            async () =>
            {
                await using var probe = await EventStream.OpenAsync(owner, lastId);
                return probe.Rest().Any(e => e.Kind == "command" && e.Text("state") == "done");
            },
            "the last event is remembered");
        await using var second = await EventStream.OpenAsync(owner, lastId);

        var seen = second.Rest();
        seen.Select(e => e.Kind == "lock" ? e.Text("status") : e.Text("state")).ShouldBe(["sent", "Locked", "done"]);
        second.LastEventId.ShouldBe(seen[^1].Id);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("0123456789abcdef-5")]
    [InlineData("-")]
    public async Task An_unknown_id_is_told_to_read_again(string lastEventId)
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();

        await using var stream = await EventStream.OpenAsync(owner, lastEventId);

        var first = await stream.NextAsync();
        first.Kind.ShouldBe("resync");
        await using var resumed = await EventStream.OpenAsync(owner, first.Id);
        resumed.Rest().ShouldBeEmpty();
    }

    [Fact]
    public async Task The_stream_ends_when_the_session_does()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        var other = await app.OwnerAsync();
        await using var stream = await EventStream.OpenAsync(owner);
        await using var others = await EventStream.OpenAsync(other);

        app.Services.GetRequiredService<RevocationWatcher>().End(owner.Username);

        await stream.EndedAsync();
        stream.CutOff.ShouldBeNull();
        others.EndedAsync().IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public async Task The_stream_ends_with_the_access_token_and_is_pinged_until_then()
    {
        var clock = new FakeClock();
        await using var app = await TestApp.StartAsync(clock);
        var owner = await app.OwnerAsync();
        var end = clock.GetUtcNow() + TimeSpan.FromMinutes(15);
        await using var stream = await EventStream.OpenAsync(owner);

        // In steps: the pings begin on a thread of their own, perhaps only now.
        await Eventually.TrueAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromMilliseconds(stream.Comments == 0 ? 200 : 0));
                return stream.Comments > 0;
            },
            "the stream was pinged");
        clock.Advance(end - clock.GetUtcNow() - TimeSpan.FromSeconds(1));
        stream.EndedAsync().IsCompleted.ShouldBeFalse();
        clock.Advance(TimeSpan.FromSeconds(1));

        await stream.EndedAsync();
        stream.CutOff.ShouldBeNull();
    }

    [Fact]
    public async Task The_servers_stop_ends_streams_at_once()
    {
        await using var app = await TestApp.StartAsync();
        await using var stream = await EventStream.OpenAsync(await app.OwnerAsync());

        // Well within the thirty seconds for which a host waits for its requests.
        await app.StopAsync().WaitAsync(TimeSpan.FromSeconds(10));

        await stream.EndedAsync();
        stream.CutOff.ShouldBeNull();
    }

    [Fact]
    public async Task An_account_may_have_so_many_streams_and_the_server_so_many()
    {
        await using var app = await TestApp.StartAsync("--Live:MaxStreams=3", "--Live:MaxStreamsPerAccount=2");
        var ada = await app.OwnerAsync();
        await using var first = await EventStream.OpenAsync(ada);
        await using (await EventStream.OpenAsync(ada))
        {
            using var third = await EventStream.GetAsync(ada);
            await third.ShouldBeProblemAsync(HttpStatusCode.TooManyRequests, "too_many_requests");
            third.Headers.RetryAfter.ShouldNotBeNull();
            var bob = await app.OwnerAsync();
            await using var others = await EventStream.OpenAsync(bob);
            using var fourth = await EventStream.GetAsync(bob);
            await fourth.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "too_many_streams");
        }

        await Eventually.TrueAsync(
            async () =>
            {
                using var again = await EventStream.GetAsync(ada);
                return again.StatusCode == HttpStatusCode.OK;
            },
            "a closed stream makes room");
    }

    [Fact]
    public async Task It_wants_a_signed_in_listener_and_no_cache()
    {
        await using var app = await TestApp.StartAsync();
        using var nobody = await app.Http.GetAsync("/api/events");
        nobody.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);

        await using var stream = await EventStream.OpenAsync(await app.OwnerAsync());

        stream.Headers.CacheControl!.NoStore.ShouldBeTrue();
        stream.Headers.GetValues("X-Accel-Buffering").ShouldBe(["no"]);
    }

    [Fact]
    public async Task A_listener_that_does_not_read_is_closed_and_nobody_waits_for_it()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        using var slow = await EventStream.GetAsync(owner);
        slow.StatusCode.ShouldBe(HttpStatusCode.OK);
        var hub = app.Services.GetRequiredService<LiveHub>();
        var big = new byte[64 * 1024];
        Array.Fill(big, (byte)'1');

        // More than the sockets and the queue can hold.
        var published = 0;
        while (hub.Streams > 0 && published < 2_000)
        {
            hub.Publish([new LiveEvent("id", "lock", "D1", DateTimeOffset.UnixEpoch, [owner.Username], big)]);
            published++;
        }

        hub.Streams.ShouldBe(0);
        await using var stream = new MemoryStream();
        var cut = await Should.ThrowAsync<Exception>(() => slow.Content.CopyToAsync(stream).WaitAsync(TimeSpan.FromSeconds(20)));
        cut.ShouldBeAssignableTo<HttpRequestException>();
        stream.Length.ShouldBeLessThan((long)published * big.Length);
    }
}
