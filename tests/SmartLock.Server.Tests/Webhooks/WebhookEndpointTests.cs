using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Storage.Sqlite;

namespace SmartLock.Server.Tests.Webhooks;

public sealed class WebhookEndpointTests
{
    private const string Url = "https://example.com/hook?key=query-secret";

    [Fact]
    public async Task The_secret_is_shown_once_and_never_stored_in_the_clear()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();

        using var answer = await Hook.PostAsync(owner, new { url = Url, events = new[] { "lock" } });

        answer.StatusCode.ShouldBe(HttpStatusCode.Created);
        answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
        var made = await answer.JsonAsync();
        var secret = made.GetProperty("secret").GetString()!;
        secret.ShouldMatch("^[0-9a-f]{64}$");
        answer.Headers.Location!.ToString().ShouldBe($"/api/webhooks/{made.GetProperty("webhook_id").GetString()}");
        var hook = new Hook(owner, made.GetProperty("webhook_id").GetString()!, secret);
        var read = await hook.ReadAsync();
        read.TryGetProperty("secret", out _).ShouldBeFalse();
        (read.GetProperty("url").GetString(), read.GetProperty("active").GetBoolean()).ShouldBe((Url, true));
        read.GetProperty("device_id").ValueKind.ShouldBe(JsonValueKind.Null);
        var stored = await StoredSecretAsync(app, hook.Id);
        stored.AsSpan().IndexOf(Convert.FromHexString(secret)).ShouldBe(-1);
        stored.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(secret)).ShouldBe(-1);
    }

    [Fact]
    public async Task Bad_requests_name_the_member()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();

        (await (await Hook.PostAsync(owner, new { url = "http://example.com", events = new[] { "lock" } })).ShouldBeInvalidAsync("url")).ToString();
        await (await Hook.PostAsync(owner, new { url = "https://127.0.0.1/", events = new[] { "lock" } })).ShouldBeInvalidAsync("url");
        await (await Hook.PostAsync(owner, new { url = Url, events = new[] { "everything" } })).ShouldBeInvalidAsync("events");
        await (await Hook.PostAsync(owner, new { url = Url })).ShouldBeInvalidAsync("events");
        await (await Hook.PostAsync(owner, new { url = Url, events = new string?[] { null } })).ShouldBeInvalidAsync("events");
        await (await Hook.PostAsync(owner, new { url = Url, events = new[] { "lock" }, device_id = "a/b" })).ShouldBeInvalidAsync("device_id");
        using var foreign = await Hook.PostAsync(owner, new { url = Url, events = new[] { "lock" }, device_id = "D404" });
        await foreign.ShouldBeProblemAsync(HttpStatusCode.NotFound, "lock_not_found");
        var hook = await Hook.CreateAsync(owner, Url);
        await (await hook.ChangeAsync(new { url = "ftp://example.com" })).ShouldBeInvalidAsync("url");
        await (await hook.ChangeAsync(new { events = Array.Empty<string>() })).ShouldBeInvalidAsync("events");
        using var list = await owner.Http.GetAsync($"/api/webhooks/{hook.Id}/deliveries?state=lost");
        await list.ShouldBeInvalidAsync("state");
    }

    [Fact]
    public async Task An_account_may_have_so_many_and_sees_them_in_pages()
    {
        await using var app = await TestApp.StartAsync("--Webhooks:MaxPerAccount=3");
        var owner = await app.OwnerAsync();
        var many = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => Hook.PostAsync(owner, new { url = Url, events = new[] { "lock" } })));
        many.Count(a => a.StatusCode == HttpStatusCode.Created).ShouldBe(3);
        await many.First(a => a.StatusCode != HttpStatusCode.Created).ShouldBeProblemAsync(HttpStatusCode.Conflict, "too_many_webhooks");

        var first = await owner.Http.GetFromJsonAsync<JsonElement>("/api/webhooks?limit=2");
        var second = await owner.Http.GetFromJsonAsync<JsonElement>($"/api/webhooks?limit=2&cursor={first.GetProperty("next").GetString()}");

        var ids = first.GetProperty("items").EnumerateArray().Concat(second.GetProperty("items").EnumerateArray()).Select(w => w.GetProperty("webhook_id").GetString()).ToList();
        ids.Count.ShouldBe(3);
        ids.ShouldBeInOrder();
        second.GetProperty("next").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Fact]
    public async Task To_a_stranger_a_webhook_does_not_exist()
    {
        await using var app = await TestApp.StartAsync();
        var hook = await Hook.CreateAsync(await app.OwnerAsync(), Url);
        var deliveryId = await hook.TestAsync();
        var stranger = (await app.OwnerAsync()).Http;
        var path = $"/api/webhooks/{hook.Id}";
        var before = (await hook.ReadAsync()).ToString();

        HttpResponseMessage[] answers =
        [
            await stranger.GetAsync(path),
            await stranger.PatchAsJsonAsync(path, new { active = false }),
            await stranger.DeleteAsync(path),
            await stranger.PostAsync($"{path}/rotate-secret", null),
            await stranger.PostAsync($"{path}/test", null),
            await stranger.GetAsync($"{path}/deliveries"),
            await stranger.PostAsync($"{path}/deliveries/{deliveryId}/retry", null),
            await stranger.GetAsync("/api/webhooks/01JDX0000000000000000000ZZ"),
            await stranger.GetAsync("/api/webhooks/nonsense"),
        ];

        foreach (var answer in answers)
        {
            var isRetry = answer.RequestMessage!.RequestUri!.AbsolutePath.EndsWith("/retry", StringComparison.Ordinal);
            await answer.ShouldBeProblemAsync(HttpStatusCode.NotFound, isRetry ? "delivery_not_found" : "webhook_not_found");
        }

        (await stranger.GetFromJsonAsync<JsonElement>("/api/webhooks")).GetProperty("items").GetArrayLength().ShouldBe(0);
        (await hook.ReadAsync()).ToString().ShouldBe(before);
    }

    [Fact]
    public async Task A_webhook_can_be_changed_switched_off_and_on_and_deleted()
    {
        await using var app = await TestApp.StartAsync();
        var hook = await Hook.CreateAsync(await app.OwnerAsync(), Url);

        using var changed = await hook.ChangeAsync(new { url = "https://example.org/", events = new[] { "command" } });
        var read = await changed.JsonAsync();
        read.GetProperty("url").GetString().ShouldBe("https://example.org/");
        read.GetProperty("events").EnumerateArray().Select(e => e.GetString()).ShouldBe(["command"]);

        using var off = await hook.ChangeAsync(new { active = false });
        (await off.JsonAsync()).GetProperty("inactive_reason").GetString().ShouldBe("switched_off");
        using var test = await hook.Owner.Http.PostAsync($"/api/webhooks/{hook.Id}/test", null);
        await test.ShouldBeProblemAsync(HttpStatusCode.Conflict, "webhook_inactive");
        using var on = await hook.ChangeAsync(new { active = true });
        (await on.JsonAsync()).GetProperty("active").GetBoolean().ShouldBeTrue();

        await hook.TestAsync();
        (await hook.Owner.Http.DeleteAsync($"/api/webhooks/{hook.Id}")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await hook.Owner.Http.GetAsync($"/api/webhooks/{hook.Id}")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await hook.Owner.Http.GetAsync($"/api/webhooks/{hook.Id}/deliveries")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    private static Task<byte[]> StoredSecretAsync(TestApp app, string id) => app.Services.GetRequiredService<SqliteDatabase>().ReadAsync(
        session => session.Scalar<byte[]>("SELECT protected_secret FROM webhooks WHERE id = @id", new { id })!,
        default).AsTask();
}
