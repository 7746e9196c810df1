using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Mqtt;
using SmartLock.Server.Commands;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Telemetry;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Telemetry;

/// <summary>One unlock as an operator sees it afterwards: a trace from the request to the device's verdict, and the numbers.</summary>
public sealed class UnlockTraceTests
{
    private const string RequestSpan = "Microsoft.AspNetCore.Hosting.HttpRequestIn";

    [Fact]
    public async Task One_trace_follows_an_unlock_from_the_request_through_the_broker_to_the_verdict()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner);
        using var spans = new Spans();
        using var measured = new Measured(app);

        using var answer = await PostAsync(owner, "/api/unlock", door.DeviceId, spans.TraceParent);

        answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
        var commandId = (await answer.JsonAsync()).GetProperty("command_id").GetString();
        var request = await spans.EndedAsync(RequestSpan);
        request.DisplayName.ShouldBe("POST /api/unlock");
        request.Kind.ShouldBe(ActivityKind.Server);
        request.GetTagItem("http.request.method").ShouldBe("POST");
        request.GetTagItem("http.route").ShouldBe("/api/unlock");
        request.GetTagItem("http.response.status_code").ShouldBe(200);
        request.GetTagItem("url.scheme").ShouldBe("http");
        foreach (var name in new[] { TelemetryNames.IssueSpan, TelemetryNames.PublishSpan, TelemetryNames.VerdictSpan })
        {
            var span = await spans.EndedAsync(name);
            span.ParentSpanId.ShouldBe(request.SpanId, name);
            span.GetTagItem(TelemetryNames.CommandId).ShouldBe(commandId, name);
            span.GetTagItem(TelemetryNames.DeviceId).ShouldBe(door.DeviceId, name);
            span.Status.ShouldBe(ActivityStatusCode.Unset, name);
        }

        (await spans.EndedAsync(TelemetryNames.VerdictSpan)).GetTagItem(TelemetryNames.Result).ShouldBe("done");
        spans.All.Count.ShouldBe(4);
        NothingSecretIn(spans.All.SelectMany(s => s.TagObjects).Select(t => $"{t.Value}"), owner, door);

        measured.Sum(TelemetryNames.Commands, (TelemetryNames.Action, "unlock"), (TelemetryNames.Outcome, "sent")).ShouldBe(1);
        var took = measured.All.Where(m => m.Name == TelemetryNames.CommandDuration).ShouldHaveSingleItem();
        took.Value.ShouldBeInRange(0, 30);
        took.Tags[TelemetryNames.Result].ShouldBe("done");
        measured.Sum(TelemetryNames.Statuses, (TelemetryNames.Result, "believed")).ShouldBeGreaterThan(0);
        measured.Observe(TelemetryNames.DevicesAvailable).ShouldBe(1);
        measured.Observe(TelemetryNames.BrokerSessions).ShouldBe(1);
        measured.Observe(TelemetryNames.StoreWritesQueued).ShouldBeInRange(0, 2);
        var values = measured.All.SelectMany(m => m.Tags.Values).Select(v => $"{v}").ToList();
        values.ShouldNotContain(v => v.Contains(door.DeviceId, StringComparison.Ordinal) || v.Contains(owner.Username, StringComparison.Ordinal));
        app.Services.GetRequiredService<PendingTraces>().Count.ShouldBe(0);
    }

    [Fact]
    public async Task A_refused_attempt_has_its_outcome_and_the_answer_its_trace_id()
    {
        await using var app = await TestApp.StartAsync();
        var stranger = await app.OwnerAsync();
        using var spans = new Spans();
        using var measured = new Measured(app);

        using var answer = await PostAsync(stranger, "/api/unlock", "ESP32-NONE", spans.TraceParent);

        var problem = await answer.ShouldBeProblemAsync(HttpStatusCode.NotFound, "lock_not_found");
        problem.GetProperty("traceId").GetString().ShouldBe(spans.TraceId.ToHexString());
        (await spans.EndedAsync(TelemetryNames.IssueSpan)).GetTagItem(TelemetryNames.Outcome).ShouldBe("not_found");
        measured.Sum(TelemetryNames.Commands, (TelemetryNames.Outcome, "not_found")).ShouldBe(1);
        await spans.EndedAsync(RequestSpan);
        spans.All.Count.ShouldBe(2);
    }

    [Fact]
    public async Task The_span_of_a_request_that_fails_does_not_have_the_exceptions_message()
    {
        await using var app = await TestApp.StartAsync(
            null, map: routes => routes.MapGet("/api/broken", string () => throw new InvalidOperationException("EXCEPTION-SECRET")).AllowAnonymous());
        using var spans = new Spans();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/broken");
        request.Headers.Add("traceparent", spans.TraceParent);

        using var answer = await app.Http.SendAsync(request);

        answer.StatusCode.ShouldBe(HttpStatusCode.InternalServerError);
        var span = await spans.EndedAsync(RequestSpan);
        span.DisplayName.ShouldBe("GET /api/broken");
        span.Status.ShouldBe(ActivityStatusCode.Error);
        span.GetTagItem("http.response.status_code").ShouldBe(500);
        span.GetTagItem("error.type").ShouldBe("500");
        span.Events.ShouldBeEmpty();
        span.TagObjects.ShouldNotContain(tag => $"{tag.Value}".Contains("EXCEPTION-SECRET", StringComparison.Ordinal));
        (span.StatusDescription ?? "").ShouldNotContain("EXCEPTION-SECRET");
    }

    [Fact]
    public async Task An_attempt_that_the_store_could_not_take_is_counted_too()
    {
        await using var app = await TestApp.StartAsync();
        using var measured = new Measured(app);
        var request = new IssueRequest("C1", "D1", CommandAction.Unlock, "ada", null, DateTimeOffset.UnixEpoch, TimeSpan.FromSeconds(10));

        await Should.ThrowAsync<StoreUnavailableException>(() => app.Services.GetRequiredService<CommandTelemetry>()
            .IssueAsync(request, () => throw new StoreUnavailableException("away")));

        measured.Sum(TelemetryNames.Commands, (TelemetryNames.Action, "unlock"), (TelemetryNames.Outcome, "failed")).ShouldBe(1);
    }

    [Fact]
    public async Task A_refused_login_of_a_device_is_counted()
    {
        await using var app = await TestApp.StartAsync();
        using var measured = new Measured(app);
        await using var impostor = new TestMqttClient(Door.BrokerOf(app).Port, o => o.WithCredentials("ESP32-1", new string('0', 64)));

        (await impostor.TryConnectAsync()).ShouldBe(MqttReasonCode.BadUserNameOrPassword);

        measured.Sum(TelemetryNames.LoginsRefused, (TelemetryNames.Login, "mqtt")).ShouldBe(1);
    }

    [Fact]
    public async Task A_refused_login_of_a_person_is_counted()
    {
        await using var app = await TestApp.StartAsync();
        await app.RegisterUserAsync("anna");
        using var measured = new Measured(app);

        using var answer = await app.Http.PostAsJsonAsync("/api/auth/login", new { username = "anna", password = "not this one" });

        measured.Sum(TelemetryNames.LoginsRefused, (TelemetryNames.Login, "api")).ShouldBe(1);
        measured.All.SelectMany(m => m.Tags.Values).ShouldNotContain("anna");
    }

    [Fact]
    public void Open_traces_are_bounded_in_number_and_in_time()
    {
        var traces = new PendingTraces();
        var clock = new FakeClock();
        var parent = new ActivityContext(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);

        for (var i = 0; i <= PendingTraces.Most; i++)
        {
            traces.Open($"command {i}", parent, clock.GetUtcNow());
        }

        traces.Count.ShouldBe(PendingTraces.Most);
        traces.Close("command 0").ShouldBeNull();
        traces.Close("command 1").ShouldNotBeNull().Parent.ShouldBe(parent);
        traces.Close("command 1").ShouldBeNull();
        clock.Advance(PendingTraces.KeptFor + TimeSpan.FromSeconds(1));
        traces.Open("the next", parent, clock.GetUtcNow());
        traces.Count.ShouldBe(1);
    }

    private static void NothingSecretIn(IEnumerable<string> values, SignedIn owner, Door door)
    {
        foreach (var value in values)
        {
            value.ShouldNotContain(door.KeyHex);
            value.ShouldNotContain(owner.Token);
            value.ShouldNotContain(TestApp.Password);
        }
    }

    private static async Task<HttpResponseMessage> PostAsync(SignedIn somebody, string path, string deviceId, string traceParent)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(new { device_id = deviceId }) };
        request.Headers.Add("Prefer", "wait=10");
        request.Headers.Add("traceparent", traceParent);
        return await somebody.Http.SendAsync(request);
    }
}
