using System.Net;
using System.Net.Http.Json;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Storage.Sqlite;
using SmartLock.Server.Tests.Webhooks;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Accounts;

/// <summary>What is left of somebody who was here, once their account is deleted: nothing that says who it was.</summary>
public sealed class ErasureTests
{
    private const string Name = "Zerafina-Quox";
    private const string Email = "z.quox@letterbox.example";
    private const string FirstEmail = "quox.was@elsewhere.example";
    private const string Label = "QuoxPhone/7 (Android 16)";
    private static readonly string[] Traces = [Name, Email, FirstEmail, "QuoxPhone", "quox-hooks"];

    [Fact]
    public async Task Nobody_can_tell_from_the_store_who_moved_a_lock_before_they_left_and_the_log_still_verifies()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var app = await TestApp.StartAsync(Hook.Settings);
        var (boss, owner) = (await app.AdminAsync(), await app.OwnerAsync("olga"));
        await using var door = await Door.OpenAsync(app, owner);
        await Hook.CreateAsync(owner, receiver.Url, ["command"]);
        var guest = await LeadALifeAsync(app, owner, door);
        using var moved = await door.UnlockAsAsync(guest);
        moved.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        Encoding.UTF8.GetString((await receiver.NextAsync()).Body).ShouldContain(Name);
        TracesIn(app).ShouldBe(Traces, ignoreOrder: true, "else it proves nothing that they are gone");

        using var deleted = await boss.Http.DeleteAsync($"/api/admin/users/{Name}");

        deleted.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await Eventually.TrueAsync(() => TracesIn(app).Length == 0, "all traces are gone");
        var entry = (await door.LogAsync()).Single(e => e.GetProperty("action").GetString() == "command.unlock" && e.GetProperty("result").GetString() == "sent");
        entry.GetProperty("actor").GetString()!.ShouldMatch("^deleted:[0-9a-f]{8}$");
        var verified = await boss.Http.GetFromJsonAsync<System.Text.Json.JsonElement>("/api/admin/logs/verify");
        verified.GetProperty("intact").GetBoolean().ShouldBeTrue(verified.ToString());
    }

    [Fact]
    public async Task A_reader_who_holds_the_log_open_delays_the_erasure_and_no_writer()
    {
        await using var app = await TestApp.StartAsync(new FakeClock());
        var boss = await app.AdminAsync();
        await app.RegisterUserAsync(Name);
        var database = app.Services.GetRequiredService<SqliteDatabase>();
        await database.ReadAsync(
            session =>
            {
                using var reading = session.Stream<long>("SELECT id FROM logs").GetEnumerator();
                reading.MoveNext().ShouldBeTrue();
                var deleting = boss.Http.DeleteAsync($"/api/admin/users/{Name}");
                Task.WaitAny([deleting], TimeSpan.FromSeconds(20)).ShouldBe(0);
                return 0;
            },
            default);
        TracesIn(app).ShouldBe([Name]);

        await app.RegisterUserAsync("anna");

        TracesIn(app).ShouldBeEmpty();
    }

    /// <summary>An account that has a history: another address before, two sign-ins of which one is ended, a second factor, a webhook, a share.</summary>
    private static async Task<SignedIn> LeadALifeAsync(TestApp app, SignedIn owner, Door door)
    {
        var credentials = new { username = Name, password = TestApp.Password };
        using var registered = await app.Http.PostAsJsonAsync("/api/auth/register", new { credentials.username, credentials.password, email = FirstEmail });
        registered.StatusCode.ShouldBe(HttpStatusCode.Created);
        var phone = app.NewClient();
        phone.DefaultRequestHeaders.Add("User-Agent", Label);
        using var earlier = await phone.PostAsJsonAsync("/api/auth/login", credentials);
        using var signedOut = await (await LoggedIn.OfAsync(app, earlier)).SendAsync(HttpMethod.Post, "/api/auth/logout");
        using var answer = await phone.PostAsJsonAsync("/api/auth/login", credentials);
        var guest = app.SignedInWith(Name, (await LoggedIn.OfAsync(app, answer)).Access);
        using var changed = await guest.Http.PatchAsJsonAsync("/api/me", new { email = Email });
        changed.StatusCode.ShouldBe(HttpStatusCode.OK);
        using var begun = await guest.Http.PostAsJsonAsync("/api/me/second-factor", new { password = TestApp.Password });
        begun.StatusCode.ShouldBe(HttpStatusCode.OK);
        using var hook = await guest.Http.PostAsJsonAsync("/api/webhooks", new { url = "http://127.0.0.1:9/quox-hooks", events = new[] { "lock" } });
        hook.StatusCode.ShouldBe(HttpStatusCode.Created, await hook.Content.ReadAsStringAsync());
        using var shared = await owner.Http.PostAsJsonAsync($"/api/locks/{door.DeviceId}/shares", new { username = Name, role = "operator" });
        shared.StatusCode.ShouldBe(HttpStatusCode.Created, await shared.Content.ReadAsStringAsync());
        return guest;
    }

    /// <summary>Those of <see cref="Traces"/> that some file of the data folder holds, in whatever case.</summary>
    private static string[] TracesIn(TestApp app)
    {
        var texts = Directory.GetFiles(app.DataFolder, "*", SearchOption.AllDirectories)
            .Where(file => Path.GetFileName(file) != DataFolderLock.FileName)
            .Select(Read).ToList();
        return [.. Traces.Where(t => texts.Exists(text => text.Contains(t, StringComparison.OrdinalIgnoreCase)))];
    }

    private static string Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(file, Encoding.Latin1);
        return reader.ReadToEnd();
    }
}
