using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Accounts;
using SmartLock.Server.Commands;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Live;
using SmartLock.Server.Locks;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Live;

/// <summary>Whoever gets a lock or loses one is told so, and nobody is told of another's.</summary>
public sealed class AccessEventTests
{
    [Fact]
    public async Task Each_who_gets_a_lock_or_loses_it_is_told_and_nobody_else()
    {
        await using var app = await TestApp.StartAsync();
        var (ada, bob, eve) = (await app.OwnerAsync("ada"), await app.OwnerAsync("bob"), await app.OwnerAsync("eve"));
        var boss = await app.AdminAsync();
        await using var adas = await EventStream.OpenAsync(ada);
        await using var bobs = await EventStream.OpenAsync(bob);
        await using var eves = await EventStream.OpenAsync(eve);
        var start = bobs.LastEventId;

        await OkAsync(ada.Http.PostAsJsonAsync("/api/locks", new { device_id = "D1", name = "Hall" }));
        await TellsAsync(adas, "owner");
        await OkAsync(ada.Http.PostAsJsonAsync("/api/locks/D1/shares", new { username = "BOB", role = "viewer" }));
        await TellsAsync(bobs, "viewer");
        await OkAsync(ada.Http.PostAsJsonAsync("/api/locks/D1/shares", new { username = "bob", role = "operator" }));
        await TellsAsync(bobs, "operator");
        await OkAsync(ada.Http.DeleteAsync("/api/locks/D1/shares/Bob"));
        await TellsAsync(bobs, "none");
        await OkAsync(ada.Http.PostAsJsonAsync("/api/locks/D1/shares", new { username = "bob", role = "viewer" }));
        await TellsAsync(bobs, "viewer");
        await OkAsync(boss.Http.PutAsJsonAsync("/api/admin/locks/D1/owner", new { owner = "eve" }));
        await TellsAsync(adas, "none");
        await TellsAsync(bobs, "none");
        await TellsAsync(eves, "owner");
        await OkAsync(eve.Http.PostAsJsonAsync("/api/locks/D1/shares", new { username = "ada", role = "viewer" }));
        await TellsAsync(adas, "viewer");
        await OkAsync(eve.Http.DeleteAsync("/api/locks/D1"));
        await TellsAsync(eves, "none");
        await TellsAsync(adas, "none");

        adas.Rest().ShouldBeEmpty();
        bobs.Rest().ShouldBeEmpty();
        eves.Rest().ShouldBeEmpty();
        await using var back = await EventStream.OpenAsync(bob, start);
        var missed = await back.UntilAsync(e => e.Id == bobs.LastEventId);
        missed.Select(e => e.Text("access")).ShouldBe(["viewer", "operator", "none", "viewer", "none"], "what was missed of it is told, although the lock is gone");
    }

    [Fact]
    public async Task The_owner_of_a_prepared_device_is_told_when_it_is_claimed_or_given()
    {
        await using var app = await TestApp.StartAsync();
        var ada = await app.OwnerAsync("ada");
        var boss = await app.AdminAsync();
        await using var stream = await EventStream.OpenAsync(ada);

        using var prepared = await OkAsync(boss.Http.PostAsJsonAsync("/api/admin/devices", new { device_id = "D1" }));
        var code = (await prepared.JsonAsync()).GetProperty("pairing").GetProperty("code").GetString();
        await OkAsync(ada.Http.PostAsJsonAsync("/api/locks/claim", new { device_id = "D1", code, name = "Hall" }));
        await TellsAsync(stream, "owner");
        await OkAsync(boss.Http.PostAsJsonAsync("/api/admin/devices", new { device_id = "D2", owner = "ada", name = "Gate" }));
        await TellsAsync(stream, "owner", "D2");
    }

    [Fact]
    public async Task A_new_owner_is_not_told_of_the_former_ones_command()
    {
        var clock = new FakeClock(TimeProvider.System.GetUtcNow());
        await using var app = await TestApp.StartAsync(clock);
        var (ada, bob) = (await app.OwnerAsync("ada"), await app.OwnerAsync("bob"));
        var boss = await app.AdminAsync();
        await using var door = await Door.OpenAsync(app, ada, adjust: o => o with { Time = clock });
        door.Device.Faults.Silent = true;
        using var sent = await door.UnlockAsync(wait: null);
        await using var bobs = await EventStream.OpenAsync(bob);

        clock.Advance(TimeSpan.FromSeconds(1));
        await OkAsync(boss.Http.PutAsJsonAsync($"/api/admin/locks/{door.DeviceId}/owner", new { owner = "bob" }));
        clock.Advance(TimeSpan.FromSeconds(40));
        await app.Services.GetRequiredService<CommandExpiry>().RunAsync(default);
        app.Services.GetRequiredService<Events<LockAccessChanged>>().Publish(LockAccessChanged.Of("END", "bob"));

        var seen = await bobs.UntilAsync(e => e.Text("device_id") == "END");
        seen.ShouldAllBe(e => e.Kind != "command");
    }

    [Fact]
    public async Task What_cannot_be_made_into_an_event_does_not_hold_up_what_comes_after_it()
    {
        var clock = new FakeClock(TimeProvider.System.GetUtcNow());
        await using var app = await TestApp.StartAsync(
            clock, builder => builder.Services.AddSingleton<ILiveStore>(p => new FailingOnce(ActivatorUtilities.CreateInstance<SmartLock.Server.Storage.Sqlite.SqliteLiveStore>(p))));
        var ada = await app.OwnerAsync();
        await using var stream = await EventStream.OpenAsync(ada);
        var changes = app.Services.GetRequiredService<Events<LockAccessChanged>>();

        changes.Publish(LockAccessChanged.Of("POISON", ada.Username));
        (await stream.NextAsync()).Kind.ShouldBe("resync");
        changes.Publish(LockAccessChanged.Of("NEXT", ada.Username));

        // Again and again: the pause after the failure may begin only once the listener has been told.
        StreamEvent[] next = [];
        await Eventually.TrueAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromSeconds(1));
                next = [.. stream.Rest()];
                return next.Length > 0;
            },
            "what came after it was told");
        next.ShouldHaveSingleItem().Text("device_id").ShouldBe("NEXT");
    }

    [Fact]
    public async Task A_stream_that_cannot_be_opened_leaves_no_watch_behind()
    {
        var ends = new RevocationWatcher();
        await using var app = await TestApp.StartAsync(null, builder =>
        {
            builder.Services.AddSingleton(ends);
            builder.Services.AddSingleton<ILiveStore>(new Unavailable());
        });
        var ada = await app.OwnerAsync();
        var hub = app.Services.GetRequiredService<LiveHub>();
        hub.Join(ada.Username, "127.0.0.1", null).Listener!.Dispose();
        hub.Publish([new LiveEvent("id", "lock", "D1", DateTimeOffset.UnixEpoch, [ada.Username], "{}"u8.ToArray())]);

        using var refused = await EventStream.GetAsync(ada, $"{hub.Epoch}-0");

        refused.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        hub.Streams.ShouldBe(0);
        ends.Count.ShouldBe(0);
    }

    private static async Task<HttpResponseMessage> OkAsync(Task<HttpResponseMessage> request)
    {
        var answer = await request;
        answer.IsSuccessStatusCode.ShouldBeTrue(await answer.Content.ReadAsStringAsync());
        return answer;
    }

    private static async Task TellsAsync(EventStream stream, string access, string deviceId = "D1")
    {
        var told = await stream.NextAsync();
        (told.Kind, told.Text("device_id"), told.Text("access")).ShouldBe(("access", deviceId, access));
    }

    private sealed class FailingOnce(ILiveStore inner) : ILiveStore
    {
        public Task<IReadOnlyDictionary<string, LiveLock>> FindAsync(IReadOnlyCollection<string> deviceIds, DateTimeOffset now, CancellationToken ct) =>
            deviceIds.Contains("POISON") ? throw new InvalidDataException("a row that cannot be read") : inner.FindAsync(deviceIds, now, ct);
    }

    private sealed class Unavailable : ILiveStore
    {
        public Task<IReadOnlyDictionary<string, LiveLock>> FindAsync(IReadOnlyCollection<string> deviceIds, DateTimeOffset now, CancellationToken ct) =>
            throw new StoreUnavailableException("away");
    }
}
