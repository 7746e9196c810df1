using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Device;
using SmartLock.Server.Commands;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.MainJob;

public sealed class UnlockTests
{
    [Fact]
    public async Task An_owner_unlocks_and_sees_that_it_really_opened()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync("alice");
        await using var door = await Door.OpenAsync(app, owner);

        using var answer = await door.UnlockAsync();

        answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
        answer.Headers.GetValues("Preference-Applied").ShouldBe(["wait=10"]);
        var command = await answer.Content.ReadFromJsonAsync<JsonElement>();
        command.GetProperty("command").GetString().ShouldBe("UNLOCK");
        command.GetProperty("state").GetString().ShouldBe("done");
        command.GetProperty("result").GetString().ShouldBe("done");
        command.GetProperty("requested_by").GetString().ShouldBe("alice");
        door.Device.Status.ShouldBe(BoltStatus.Unlocked);
        door.Device.BoltMovements.ShouldBe(1);
        (await door.ReadAsync()).GetProperty("status").GetString().ShouldBe("Unlocked");

        var commandId = command.GetProperty("command_id").GetString();
        var entries = (await door.LogAsync()).Where(e => e.GetProperty("action").GetString() == "command.unlock").ToList();
        entries.Select(e => (e.GetProperty("actor").GetString(), e.GetProperty("result").GetString(), e.GetProperty("command_id").GetString()))
            .ShouldBe([($"device:{door.DeviceId}", "done", commandId), ("alice", "sent", commandId)]);
        entries.ShouldAllBe(e => e.GetProperty("time").GetDateTimeOffset() > DateTimeOffset.UnixEpoch.AddYears(50));
    }

    [Fact]
    public async Task Lock_after_unlock_moves_the_bolt_back()
    {
        await using var app = await TestApp.StartAsync();
        await using var door = await Door.OpenAsync(app, await app.OwnerAsync());
        (await door.UnlockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);

        (await door.LockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);

        door.Device.Status.ShouldBe(BoltStatus.Locked);
        (await door.ReadAsync()).GetProperty("status").GetString().ShouldBe("Locked");
    }

    [Fact]
    public async Task The_lock_may_be_named_in_the_path()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner);
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/locks/{door.DeviceId}/unlock");
        request.Headers.Add("Prefer", "wait=10");

        (await owner.Http.SendAsync(request)).StatusCode.ShouldBe(HttpStatusCode.OK);

        door.Device.Status.ShouldBe(BoltStatus.Unlocked);
    }

    [Fact]
    public async Task Without_prefer_the_answer_comes_at_once_and_tells_where_the_verdict_will_be()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner);

        using var answer = await door.UnlockAsync(wait: null);

        answer.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        answer.Headers.Contains("Preference-Applied").ShouldBeFalse();
        await Eventually.TrueAsync(
            async () => (await owner.Http.GetFromJsonAsync<JsonElement>(answer.Headers.Location)).GetProperty("state").GetString() == "done",
            "the command is done");
    }

    [Fact]
    public async Task A_jammed_bolt_is_no_success()
    {
        await using var app = await TestApp.StartAsync();
        await using var door = await Door.OpenAsync(app, await app.OwnerAsync());
        door.Device.Faults.Jammed = true;

        using var answer = await door.UnlockAsync();

        answer.StatusCode.ShouldBe(HttpStatusCode.BadGateway);
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>();
        problem.GetProperty("code").GetString().ShouldBe("command_failed");
        problem.GetProperty("command").GetProperty("result").GetString().ShouldBe("jammed");
        door.Device.BoltMovements.ShouldBe(0);
        var read = await door.ReadAsync();
        read.GetProperty("status").GetString().ShouldBe("Unknown");
        read.GetProperty("issue").GetString().ShouldBe("Jammed");
    }

    [Fact]
    public async Task A_device_that_does_not_answer_leaves_the_command_pending_and_a_late_answer_counts()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner);
        door.Device.Faults.Silent = true;

        using var answer = await door.UnlockAsync(wait: 1);

        answer.StatusCode.ShouldBe(HttpStatusCode.GatewayTimeout);
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>();
        problem.GetProperty("code").GetString().ShouldBe("verdict_pending");
        problem.GetProperty("command").GetProperty("state").GetString().ShouldBe("sent");
        var id = problem.GetProperty("command").GetProperty("command_id").GetString();

        door.Device.Faults.Silent = false;
        await Eventually.TrueAsync(
            async () => (await owner.Http.GetFromJsonAsync<JsonElement>($"/api/commands/{id}")).GetProperty("state").GetString() == "done",
            "the verdict arrived with the next report");
    }

    [Fact]
    public async Task An_offline_lock_answers_409_at_once_and_the_attempt_is_on_the_record()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync("alice");
        await using var door = await Door.NewAsync(owner, Door.BrokerOf(app), "ESP32-OFF");

        using var answer = await door.UnlockAsync();

        answer.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString().ShouldBe("lock_offline");
        var entry = (await door.LogAsync())[0];
        entry.GetProperty("actor").GetString().ShouldBe("alice");
        entry.GetProperty("result").GetString().ShouldBe("refused: offline");
    }

    [Fact]
    public async Task A_device_without_a_connection_is_told_at_once_and_the_same_key_is_a_new_attempt()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner, adjust: o => o with { LeaveWill = false });
        await door.Device.StopAsync();

        using var answer = await door.UnlockAsync(idempotencyKey: "k-1");

        answer.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>();
        problem.GetProperty("code").GetString().ShouldBe("device_unreachable");
        problem.GetProperty("command").GetProperty("state").GetString().ShouldBe("failed");
        (await door.LogAsync()).Take(2).Select(e => e.GetProperty("result").GetString()).ShouldBe(["unreachable", "sent"]);
        using var again = await door.UnlockAsync(idempotencyKey: "k-1");
        again.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await again.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("command").GetProperty("command_id").GetString()
            .ShouldNotBe(problem.GetProperty("command").GetProperty("command_id").GetString());
    }

    [Fact]
    public async Task A_stranger_gets_what_a_missing_lock_gets_and_the_owner_sees_the_attempt()
    {
        await using var app = await TestApp.StartAsync();
        await using var door = await Door.OpenAsync(app, await app.OwnerAsync("alice"));
        var stranger = await app.OwnerAsync("mallory");

        using var foreign = await door.UnlockAsAsync(stranger);
        using var missing = await stranger.Http.PostAsJsonAsync("/api/unlock", new { device_id = "ESP32-NOWHERE" });

        foreign.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        missing.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        Without(await foreign.Content.ReadFromJsonAsync<Dictionary<string, JsonElement>>(), "traceId")
            .ShouldBe(Without(await missing.Content.ReadFromJsonAsync<Dictionary<string, JsonElement>>(), "traceId"));
        door.Device.BoltMovements.ShouldBe(0);
        var entry = (await door.LogAsync())[0];
        entry.GetProperty("actor").GetString().ShouldBe("mallory");
        entry.GetProperty("result").GetString().ShouldBe("refused: not found");
    }

    [Fact]
    public async Task A_strangers_command_id_is_a_missing_one()
    {
        await using var app = await TestApp.StartAsync();
        await using var door = await Door.OpenAsync(app, await app.OwnerAsync());
        var stranger = await app.OwnerAsync();
        using var answer = await door.UnlockAsync();
        var id = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("command_id").GetString();

        (await stranger.Http.GetAsync($"/api/commands/{id}")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await stranger.Http.GetAsync("/api/commands/nonsense'--")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task The_same_idempotency_key_moves_the_bolt_once()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner);

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => door.UnlockAsync(idempotencyKey: "k-1")));

        answers.ShouldAllBe(a => a.StatusCode == HttpStatusCode.OK);
        var ids = await Task.WhenAll(answers.Select(async a => (await a.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("command_id").GetString()));
        ids.Distinct().Count().ShouldBe(1);
        door.Device.BoltMovements.ShouldBe(1);
        using var other = new HttpRequestMessage(HttpMethod.Post, "/api/lock") { Content = JsonContent.Create(new { device_id = door.DeviceId }) };
        other.Headers.Add("Idempotency-Key", "k-1");
        using var refused = await owner.Http.SendAsync(other);
        refused.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity);
        (await refused.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString().ShouldBe("idempotency_key_reused");
    }

    [Fact]
    public async Task Commands_of_many_at_once_reach_the_device_in_the_order_they_were_issued()
    {
        await using var app = await TestApp.StartAsync();
        await using var door = await Door.OpenAsync(app, await app.OwnerAsync());

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => i % 2 == 0 ? door.UnlockAsync() : door.LockAsync()));

        answers.Select(a => a.StatusCode).ShouldAllBe(s => s == HttpStatusCode.OK);
        door.Device.RefusalsOf(Refusal.Replayed).ShouldBe(0);
    }

    [Fact]
    public async Task A_device_that_never_said_it_has_topics_of_its_own_is_commanded_on_the_shared_one()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        await using var plain = await Door.OpenAsync(app, owner, "ESP32-PLAIN", o => o with { OwnTopics = false });
        await using var bystander = await Door.OpenAsync(app, owner, "ESP32-OTHER", o => o with { OwnTopics = false });

        (await plain.UnlockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);

        plain.Device.Status.ShouldBe(BoltStatus.Unlocked);
        bystander.Device.Status.ShouldBe(BoltStatus.Locked);
        bystander.Device.RefusalsOf(Refusal.OtherDevice).ShouldBe(0, "the broker hands a shared command to the addressed device only");
    }

    [Fact]
    public async Task A_command_nobody_answered_ends_as_expired_and_the_end_is_on_the_record()
    {
        var clock = new FakeClock();
        await using var app = await TestApp.StartAsync(clock);
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner, "ESP32-SLOW", o => o with { Time = clock });
        door.Device.Faults.Silent = true;
        using var answer = await door.UnlockAsync(wait: null);

        clock.Advance(TimeSpan.FromSeconds(31));
        await app.Services.GetRequiredService<CommandExpiry>().RunAsync(default);

        var command = await owner.Http.GetFromJsonAsync<JsonElement>(answer.Headers.Location);
        command.GetProperty("state").GetString().ShouldBe("expired");
        (await door.LogAsync()).First(e => e.GetProperty("action").GetString() == "command.unlock").GetProperty("result").GetString().ShouldBe("expired");
    }

    private static string Without(Dictionary<string, JsonElement>? problem, string member)
    {
        problem.ShouldNotBeNull().Remove(member).ShouldBeTrue();
        return JsonSerializer.Serialize(problem);
    }
}
