using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;

namespace SmartLock.Server.Tests.Contract;

/// <summary>An admin who owns a lock, so that every operation is reached, and who signs in again when an operation has ended the session.</summary>
internal sealed class Attack : IAsyncDisposable
{
    private readonly TestApp _app;
    private int _admins;
    private SignedIn _admin = null!;

    private Attack(TestApp app, IReadOnlyList<ApiOperation> operations)
    {
        _app = app;
        Operations = operations;
    }

    public IReadOnlyList<ApiOperation> Operations { get; }

    public static async Task<Attack> StartAsync()
    {
        var app = await TestApp.StartAsync("--Devices:AllowUnsigned=true");
        var attack = new Attack(app, await ApiOperation.AllAsync(app));
        attack.Operations.ShouldNotBeEmpty();
        await attack.RenewAsync();
        return attack;
    }

    /// <summary>A fresh admin: what an operation did to the last one does not matter to the next.</summary>
    public async Task RenewAsync()
    {
        _admin = await _app.AdminAsync($"boss{++_admins}");
    }

    public static ByteArrayContent Json(JsonNode body) => Answers.JsonBody(Encoding.UTF8.GetBytes(body.ToJsonString()));

    public async Task<HttpResponseMessage> SendAsync(ApiOperation operation, HttpContent? content, string? path = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(operation.Method), path ?? operation.PathWith("nothing-1"))
        {
            Content = operation.HasBody ? content : null,
        };

        // A stream of events would not end by itself.
        return await _admin.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    public async Task RefusedByNameAsync(ApiOperation operation, JsonObject body, params string[] names)
    {
        using var answer = await SendAsync(operation, Json(body));
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest, $"{operation} {body.ToJsonString()} {await answer.Content.ReadAsStringAsync()}");
        var problem = await answer.ShouldBeProblemAsync(HttpStatusCode.BadRequest, "invalid_request");
        problem.GetProperty("errors").EnumerateObject().Select(e => e.Name).ShouldBe(names, ignoreOrder: true, $"{operation} {body.ToJsonString()}");
    }

    /// <summary>Done, or refused with a problem document that has a code.</summary>
    public async Task ExpectedAsync(ApiOperation operation, JsonObject body, string what, string? path = null)
    {
        using var answer = await SendAsync(operation, Json(body), path);
        var status = (int)answer.StatusCode;
        status.ShouldBeLessThan(500, $"{operation} {what}");
        if (status < 400)
        {
            return;
        }

        var text = await answer.Content.ReadAsStringAsync();
        if (operation.Path.StartsWith("/api/", StringComparison.Ordinal) && text.Length > 0)
        {
            JsonDocument.Parse(text).RootElement.GetProperty("code").GetString().ShouldNotBeNullOrEmpty($"{operation} {what}");
        }

        if (answer.StatusCode is HttpStatusCode.Unauthorized && operation.NeedsToken)
        {
            await RenewAsync();
        }
    }

    public void NothingWentWrong() => _app.Logs.All.ShouldNotContain(l => l.Level >= LogLevel.Error);

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
