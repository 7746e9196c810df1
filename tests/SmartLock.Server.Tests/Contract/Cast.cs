using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Locks;
using SmartLock.Server.Tests.Storage;

namespace SmartLock.Server.Tests.Contract;

/// <summary>Everybody who may ask for something; the admin owns nothing here.</summary>
internal sealed record Cast(SignedIn Nobody, SignedIn Stranger, SignedIn Viewer, SignedIn Operator, SignedIn Owner, SignedIn Admin)
{
    public static readonly IReadOnlyList<string> Roles = ["nobody", "stranger", "viewer", "operator", "owner", "admin"];

    public IReadOnlyList<SignedIn> All => [Nobody, Stranger, Viewer, Operator, Owner, Admin];

    /// <param name="number">Makes the names differ from other casts'.</param>
    public static async Task<Cast> AssembleAsync(TestApp app, int number) => new(
        new SignedIn("", "", app.Http),
        await app.OwnerAsync($"stranger{number}"),
        await app.OwnerAsync($"viewer{number}"),
        await app.OwnerAsync($"operates{number}"),
        await app.OwnerAsync($"holder{number}"),
        await app.AdminAsync($"boss{number}"));
}

/// <summary>One fresh lock of the owner's, shared with the viewer and the operator, with all that belongs to it.</summary>
internal sealed record Scene(Cast Cast, string DeviceId, string CommandId, string WebhookId, string DeliveryId, string SessionId, string PendingDeviceId, string ClaimCode)
{
    public static async Task<Scene> SetAsync(TestApp app, Cast cast, string deviceId)
    {
        var owner = cast.Owner.Http;
        await PostAsync(owner, "/api/locks", new { device_id = deviceId, name = "Door" });
        await PostAsync(owner, $"/api/locks/{deviceId}/shares", new { username = cast.Viewer.Username, role = "viewer" });
        await PostAsync(owner, $"/api/locks/{deviceId}/shares", new { username = cast.Operator.Username, role = "operator" });
        var webhook = await PostAsync(owner, "/api/webhooks", new { url = "https://hook.invalid/", events = new[] { "lock" } });
        var webhookId = webhook.GetProperty("webhook_id").GetString()!;
        var delivery = await PostAsync(owner, $"/api/webhooks/{webhookId}/test");
        var sessions = await owner.GetFromJsonAsync<JsonElement>("/api/me/sessions");
        var pending = await PostAsync(cast.Admin.Http, "/api/admin/devices", new { device_id = $"{deviceId}-pending" });
        return new Scene(
            cast,
            deviceId,
            await CommandAsync(app, cast, deviceId),
            webhookId,
            delivery.GetProperty("delivery_id").GetString()!,
            sessions.GetProperty("items")[0].GetProperty("session_id").GetString()!,
            $"{deviceId}-pending",
            pending.GetProperty("pairing").GetProperty("code").GetString()!);
    }

    /// <summary>The owner's, for a device that was reported once and has gone since: the record of it is what matters here.</summary>
    private static async Task<string> CommandAsync(TestApp app, Cast cast, string deviceId)
    {
        var devices = app.Services.GetRequiredService<IDeviceStore>();
        var now = app.Services.GetRequiredService<TimeProvider>().GetUtcNow();
        var report = new DeviceReport(deviceId, now, LockStatus.Locked, null, 1, 1, null, null, null, null, null);
        await devices.TakeAsync(new DeviceBatch([report], [], []));
        using var unlock = await cast.Owner.Http.PostAsJsonAsync("/api/unlock", new { device_id = deviceId });
        var problem = await unlock.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "device_unreachable");
        await devices.TakeAsync(new DeviceBatch([], [], [new ConnectionLoss(deviceId, 1, now)]));
        return problem.GetProperty("command").GetProperty("command_id").GetString()!;
    }

    private static async Task<JsonElement> PostAsync(HttpClient http, string path, object? body = null)
    {
        using var answer = await http.PostAsJsonAsync(path, body ?? new { });
        answer.IsSuccessStatusCode.ShouldBeTrue($"{path} {answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
        return await answer.JsonAsync();
    }
}
