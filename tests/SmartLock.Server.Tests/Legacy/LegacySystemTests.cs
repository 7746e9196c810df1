using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Mqtt.Broker;
using SmartLock.Server.Heartbeats;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Legacy;

/// <summary>The first system's app and sketch, against this server: docs/migrate-original.md is held to this.</summary>
public sealed class LegacySystemTests
{
    private const string On = "--Original:Enabled=true";
    private const string Unsigned = "--Devices:AllowUnsigned=true";

    [Fact]
    public async Task Its_app_and_its_sketch_do_their_whole_day()
    {
        await using var app = await TestApp.StartAsync(On, Unsigned);

        await SaysAsync(await PostAsync(app.Http, "/auth/register", new { email = "anna@example.org", username = "anna", password = TestApp.Password, is_admin = true }), 200, "message", "anna is registered.");
        await SaysAsync(await PostAsync(app.Http, "/auth/signup", new { username = "bert", password = TestApp.Password }), 200, "message", "bert is registered.");
        var anna = await LoginAsync(app, "anna");
        var (userName, password) = await RegisterAsync(anna, "device-1");
        userName.ShouldBe("device-1");
        await using var sketch = await Sketch.StartAsync(app, "device-1", userName, password);

        // Heard, although "Booted" tells nothing of the bolt.
        await StatusAsync(anna, "Available", "Unknown");
        await CommandAsync(anna, "/api/lock?device_id=device-1", 200, "status", "LOCK sent");
        await sketch.IsAsync("Locked");
        await StatusAsync(anna, "Available", "Locked");
        await CommandAsync(anna, "/api/unlock?device_id=device-1", 200, "status", "UNLOCK sent");
        await sketch.IsAsync("Unlocked");
        await sketch.HeartbeatAsync();
        await StatusAsync(anna, "Available", "Unlocked");

        var listed = (await anna.Http.GetFromJsonAsync<JsonElement>("/locks")).EnumerateArray().ShouldHaveSingleItem();
        listed.EnumerateObject().Select(m => m.Name).ShouldBe(["_id", "name", "owner", "status", "state", "last_seen", "issue"]);
        listed.GetProperty("_id").GetString().ShouldBe("device-1");
        listed.GetProperty("name").GetString().ShouldBe("Front door");
        listed.GetProperty("owner").GetString().ShouldBe("anna");
        listed.GetProperty("status").GetString().ShouldBe("Unlocked");
        listed.GetProperty("state").GetString().ShouldBe("Available");
        var bert = await LoginAsync(app, "bert");
        (await bert.Http.GetStringAsync("/locks")).ShouldBe("[]");
        var log = (await anna.Http.GetFromJsonAsync<JsonElement>("/api/logs")).GetProperty("items");
        log.EnumerateArray().Count(e => e.GetProperty("result").GetString() == "sent").ShouldBe(2);
    }

    [Theory]
    [InlineData(32, false)]
    [InlineData(64, true)]
    public async Task A_command_fits_the_sketchs_memory_up_to_32_characters_of_device_id_and_longer_ones_where_it_has_more(int length, bool isEnlarged)
    {
        await using var app = await TestApp.StartAsync(On, Unsigned);
        var anna = await app.OwnerAsync("anna");
        var deviceId = new string('d', length);
        var (userName, password) = await RegisterAsync(anna, deviceId);
        await using var sketch = await Sketch.StartAsync(app, deviceId, userName, password, isEnlarged);
        await StatusAsync(anna, "Available", "Unknown", deviceId);

        await CommandAsync(anna, $"/api/unlock?device_id={deviceId}", 200, "status", "UNLOCK sent");

        await sketch.IsAsync("Unlocked");
        await StatusAsync(anna, "Available", "Unlocked", deviceId);
    }

    [Fact]
    public async Task What_the_sketch_publishes_as_retained_is_delivered_and_not_retained()
    {
        await using var app = await TestApp.StartAsync(On, Unsigned);
        var anna = await app.OwnerAsync("anna");
        var (userName, password) = await RegisterAsync(anna, "device-1");

        await using var sketch = await Sketch.StartAsync(app, "device-1", userName, password);
        await sketch.HeartbeatAsync();
        await StatusAsync(anna, "Available", "Unknown");

        app.Services.GetRequiredService<MqttBroker>().GetStatistics().RetainedMessages.ShouldBe(0);
    }

    [Fact]
    public async Task An_admin_gives_a_lock_to_another_account_and_nobody_else_does()
    {
        await using var app = await TestApp.StartAsync(On, Unsigned);
        var anna = await app.OwnerAsync("anna");
        var bert = await app.OwnerAsync("bert");
        await app.AdminAsync("boss");
        var boss = await LoginAsync(app, "boss");
        var (userName, password) = await RegisterAsync(anna, "device-1");
        await using var sketch = await Sketch.StartAsync(app, "device-1", userName, password);
        await StatusAsync(anna, "Available", "Unknown");

        await ReassignAsync(anna, "device-1", "bert", 403, "error", "Only an admin may do this.");
        await ReassignAsync(boss, "device-2", "bert", 404, "error", "There is no such lock.");
        await ReassignAsync(boss, "no%20device", "bert", 404, "error", "There is no such lock.");
        await ReassignAsync(boss, "device-1", "nobody", 404, "error", "There is no account of this name, or it is disabled.");
        await SaysAsync(await boss.Http.PutAsync("/locks/device-1/reassign", null), 400, "error", "new_owner is required.");
        await ReassignAsync(boss, "device-1", "bert", 200, "message", "device-1 belongs to bert now.");

        await CommandAsync(anna, "/api/unlock?device_id=device-1", 403, "error", "There is no such lock, or it is not yours.");
        await CommandAsync(bert, "/api/unlock?device_id=device-1", 200, "status", "UNLOCK sent");
        await sketch.IsAsync("Unlocked");
    }

    [Fact]
    public async Task A_command_reaches_the_sketch_it_is_meant_for_and_no_other_although_all_would_obey()
    {
        await using var app = await TestApp.StartAsync(On, Unsigned);
        var anna = await app.OwnerAsync("anna");
        var (firstName, firstPassword) = await RegisterAsync(anna, "device-1");
        var (secondName, secondPassword) = await RegisterAsync(anna, "device-02");
        await using var first = await Sketch.StartAsync(app, "device-1", firstName, firstPassword);
        await using var second = await Sketch.StartAsync(app, "device-02", secondName, secondPassword);
        await StatusAsync(anna, "Available", "Unknown");
        await StatusAsync(anna, "Available", "Unknown", "device-02");

        await CommandAsync(anna, "/api/unlock?device_id=device-1", 200, "status", "UNLOCK sent");
        await first.IsAsync("Unlocked");
        await CommandAsync(anna, "/api/lock?device_id=device-02", 200, "status", "LOCK sent");
        await second.IsAsync("Locked");

        first.Commands.ShouldBe(1);
        second.Commands.ShouldBe(1);
    }

    [Fact]
    public async Task A_board_that_went_offline_is_refused_until_it_reports_again()
    {
        var clock = new FakeClock(TimeProvider.System.GetUtcNow());
        await using var app = await TestApp.StartAsync(clock, null, null, On, Unsigned);
        var writer = app.Services.GetRequiredService<HeartbeatWriter>();
        var anna = await app.OwnerAsync("anna");
        var (userName, password) = await RegisterAsync(anna, "device-1");
        await using var sketch = await Sketch.StartAsync(app, "device-1", userName, password);
        await StatusAsync(anna, "Available", "Unknown", store: writer);

        clock.Advance(TimeSpan.FromSeconds(35));
        await app.Services.GetRequiredService<OfflineSweep>().RunAsync(default);
        await CommandAsync(anna, "/api/unlock?device_id=device-1", 503, "error", "The device is offline; no command was sent.");
        var status = await anna.Http.GetFromJsonAsync<JsonElement>("/locks/device-1/status");
        status.GetProperty("connection_status").GetString().ShouldBe("Unavailable");
        status.GetProperty("issue").GetString().ShouldBe("No heartbeat");

        await sketch.HeartbeatAsync();
        await StatusAsync(anna, "Available", "Unknown", store: writer);
        await CommandAsync(anna, "/api/unlock?device_id=device-1", 200, "status", "UNLOCK sent");
        await sketch.IsAsync("Unlocked");
    }

    [Fact]
    public async Task A_board_that_was_reset_takes_its_own_place()
    {
        await using var app = await TestApp.StartAsync(On, Unsigned);
        var anna = await app.OwnerAsync("anna");
        var (userName, password) = await RegisterAsync(anna, "device-1");
        await using var before = await Sketch.StartAsync(app, "device-1", userName, password);

        // The same client id, while the broker still holds the connection that lost its power.
        await using var after = await Sketch.StartAsync(app, "device-1", userName, password);
        await StatusAsync(anna, "Available", "Unknown");
        await CommandAsync(anna, "/api/unlock?device_id=device-1", 200, "status", "UNLOCK sent");

        await after.IsAsync("Unlocked");
        before.Commands.ShouldBe(0);
    }

    [Fact]
    public async Task A_lock_that_is_offline_or_not_the_callers_is_refused_without_a_word_on_which_exist()
    {
        await using var app = await TestApp.StartAsync(On, Unsigned);
        var anna = await app.OwnerAsync("anna");
        var bert = await app.OwnerAsync("bert");
        await RegisterAsync(anna, "device-1");

        await CommandAsync(anna, "/api/unlock?device_id=device-1", 503, "error", "The device is offline; no command was sent.");
        foreach (var deviceId in new[] { "device-1", "device-2", "no%20device" })
        {
            await CommandAsync(bert, $"/api/unlock?device_id={deviceId}", 403, "error", "There is no such lock, or it is not yours.");
            await SaysAsync(await bert.Http.GetAsync($"/locks/{deviceId}/status"), 404, "error", "There is no such lock, or it is not yours.");
        }

        await SaysAsync(await PostAsync(bert.Http, "/locks/register", new { device_id = "device-1", name = "Mine" }), 400, "error", "A lock with this device_id is registered already.");
    }

    [Theory]
    [InlineData("/auth/register", """{"username":"carl","password":"correct horse battery"}""", "email is required.")]
    [InlineData("/auth/register", """{"email":"c@example.org","username":"carl","password":"12345"}""", "password must have at least 10 characters.")]
    [InlineData("/auth/signup", """{"username":"carl"}""", "password is required.")]
    [InlineData("/auth/signup", """{"username":"c","password":"12345"}""", "username must have 3 to 32 characters. password must have at least 10 characters.")]
    [InlineData("/auth/signup", """{"username":"ANNA","password":"correct horse battery"}""", "Another account has this name.")]
    [InlineData("/auth/signup", """[]""", "body must be a JSON object.")]
    [InlineData("/auth/signup", """{"username":""", "body is not valid JSON (line 1, byte 13).")]
    public async Task An_account_against_the_rules_is_refused_with_what_is_wrong(string path, string body, string error)
    {
        await using var app = await TestApp.StartAsync(On);
        await app.RegisterUserAsync("anna");

        await SaysAsync(await app.Http.PostTextAsync(path, body), 400, "error", error);
    }

    [Fact]
    public async Task Every_other_refusal_has_its_form_too()
    {
        await using var app = await TestApp.StartAsync(On);
        await app.RegisterUserAsync("anna");
        var anna = await app.SignInAsync("anna");

        await SaysAsync(await PostAsync(app.Http, "/auth/login", new { username = "anna", password = "not this one" }), 401, "error", "The name or the password is wrong.");
        await SaysAsync(await PostAsync(app.Http, "/auth/login", new { username = new string('a', 100), password = "x" }), 401, "error", "The name or the password is wrong.");
        await SaysAsync(await app.Http.GetAsync("/locks"), 401, "error", "The access token is missing, wrong or expired: log in again.");
        await SaysAsync(await app.Http.PostAsync("/api/unlock?device_id=device-1", null), 401, "error", "The access token is missing, wrong or expired: log in again.");
        await SaysAsync(
            await PostAsync(anna.Http, "/locks/register", new { device_id = "device-1", name = "Front door" }),
            400,
            "error",
            "This server's operator must set Devices:AllowUnsigned before a lock whose device cannot check signatures may be registered.");
        await SaysAsync(await PostAsync(anna.Http, "/locks/register", new { device_id = "#", name = "" }), 400, "error", contains: "device_id must have 1 to 64 characters");
    }

    [Fact]
    public async Task The_limits_are_those_of_the_other_routes()
    {
        await using var app = await TestApp.StartAsync(On, "--RateLimits:Auth:PermitsPerMinute=1");
        using var _ = await PostAsync(app.Http, "/auth/login", new { username = "anna", password = "x" });

        using var refused = await PostAsync(app.Http, "/auth/login", new { username = "anna", password = "x" });

        refused.Headers.RetryAfter.ShouldNotBeNull();
        await SaysAsync(refused, 429, "error", "Too many requests; wait before the next one.");
    }

    [Fact]
    public async Task The_servers_own_routes_of_the_same_path_are_as_they_were()
    {
        await using var app = await TestApp.StartAsync(On);
        var anna = await app.OwnerAsync("anna");

        await (await PostAsync(anna.Http, "/api/unlock", new { device_id = "device-1" })).ShouldBeProblemAsync(HttpStatusCode.NotFound, "lock_not_found");
        await (await PostAsync(anna.Http, "/api/unlock?device_id=device-2", new { device_id = "device-1" })).ShouldBeInvalidAsync("device_id");
        await (await anna.Http.PostTextAsync("/api/unlock", "{}")).ShouldBeInvalidAsync("device_id");
        await SaysAsync(await anna.Http.PostAsync("/api/unlock?device_id=", null), 403, "error", "There is no such lock, or it is not yours.");
    }

    [Fact]
    public async Task They_are_described_as_deprecated()
    {
        await using var app = await TestApp.StartAsync(On);

        var paths = (await app.Http.GetFromJsonAsync<JsonElement>("/openapi/v1.json")).GetProperty("paths");

        foreach (var (path, method) in new[] { ("/auth/register", "post"), ("/auth/signup", "post"), ("/auth/login", "post"), ("/locks/register", "post"), ("/locks", "get"), ("/locks/{device_id}/status", "get"), ("/locks/{device_id}/reassign", "put") })
        {
            var operation = paths.GetProperty(path).GetProperty(method);
            operation.GetProperty("deprecated").GetBoolean().ShouldBeTrue(path);
            operation.GetProperty("responses").EnumerateObject().Where(r => r.Name[0] == '4')
                .ShouldAllBe(r => r.Value.GetProperty("content").EnumerateObject().Single().Name == "application/json");
        }

        paths.GetProperty("/api/unlock").GetProperty("post").TryGetProperty("deprecated", out _).ShouldBeFalse();
    }

    [Fact]
    public async Task A_command_with_a_body_that_is_no_json_is_answered_by_the_api_of_today()
    {
        await using var app = await TestApp.StartAsync(On);
        var anna = await app.OwnerAsync();

        using var content = new StringContent("""{"device_id":"device-1"}""", MediaTypeHeaderValue.Parse("text/plain"));
        using var answer = await anna.Http.PostAsync("/api/unlock", content);

        await answer.ShouldBeProblemAsync(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
    }

    [Fact]
    public async Task None_of_it_is_there_unless_it_is_switched_on()
    {
        await using var app = await TestApp.StartAsync(Unsigned);
        var anna = await app.OwnerAsync("anna");

        foreach (var path in new[] { "/auth/register", "/auth/signup", "/auth/login", "/locks/register" })
        {
            using var answer = await PostAsync(anna.Http, path, new { username = "bert", password = TestApp.Password });
            await answer.ShouldBeProblemAsync(HttpStatusCode.NotFound, "not_found");
        }

        (await anna.Http.GetAsync("/locks")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await anna.Http.GetAsync("/locks/device-1/status")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await anna.Http.PostAsync("/api/unlock?device_id=device-1", null)).StatusCode.ShouldBeOneOf(HttpStatusCode.BadRequest, HttpStatusCode.UnsupportedMediaType);
        (await app.Http.GetStringAsync("/openapi/v1.json")).ShouldNotContain("\"/auth/login\"");
    }

    private static Task<HttpResponseMessage> PostAsync(HttpClient http, string path, object body) => http.PostAsJsonAsync(path, body);

    private static async Task<SignedIn> LoginAsync(TestApp app, string username)
    {
        using var answer = await PostAsync(app.Http, "/auth/login", new { username, password = TestApp.Password });
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
        var body = await answer.JsonAsync();
        body.EnumerateObject().Select(m => m.Name).ShouldBe(["token"]);
        answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
        return app.SignedInWith(username, body.GetProperty("token").GetString()!);
    }

    private static async Task<(string UserName, string Password)> RegisterAsync(SignedIn owner, string deviceId)
    {
        using var answer = await PostAsync(owner.Http, "/locks/register", new { device_id = deviceId, name = "Front door" });
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
        var body = await answer.JsonAsync();
        body.EnumerateObject().Select(m => m.Name).ShouldBe(["message", "mqtt_username", "mqtt_password"]);
        return (body.GetProperty("mqtt_username").GetString()!, body.GetProperty("mqtt_password").GetString()!);
    }

    private static async Task ReassignAsync(SignedIn admin, string deviceId, string owner, int status, string member, string text) =>
        await SaysAsync(await admin.Http.PutAsync($"/locks/{deviceId}/reassign?new_owner={owner}", null), status, member, text);

    private static async Task CommandAsync(SignedIn owner, string path, int status, string member, string text) =>
        await SaysAsync(await owner.Http.PostAsync(path, null), status, member, text);

    private static Task StatusAsync(SignedIn owner, string connection, string bolt, string deviceId = "device-1", HeartbeatWriter? store = null) => Eventually.TrueAsync(
        async () =>
        {
            // Where the clock stands still, the time for which reports are coalesced never passes.
            await (store?.FlushAsync(default) ?? Task.CompletedTask);
            var status = await owner.Http.GetFromJsonAsync<JsonElement>($"/locks/{deviceId}/status");
            status.EnumerateObject().Select(m => m.Name).ShouldBe(["device_id", "connection_status", "device_status", "device_state", "issue"]);
            return status.GetProperty("connection_status").GetString() == connection
                && status.GetProperty("device_status").GetString() == bolt
                && status.GetProperty("device_state").GetString() == bolt
                && status.GetProperty("issue").GetString() is null;
        },
        $"{deviceId} is {connection} and {bolt}");

    /// <summary>The whole body is this one member.</summary>
    private static async Task SaysAsync(HttpResponseMessage answer, int status, string member, string? text = null, string contains = "")
    {
        var body = await answer.Content.ReadAsStringAsync();
        ((int)answer.StatusCode).ShouldBe(status, body);
        answer.Content.Headers.ContentType?.MediaType.ShouldBe("application/json", body);
        var only = JsonDocument.Parse(body).RootElement.EnumerateObject().ShouldHaveSingleItem();
        only.Name.ShouldBe(member);
        var said = only.Value.GetString().ShouldNotBeNull();
        said.ShouldBe(text ?? said);
        said.ShouldContain(contains);
    }
}
