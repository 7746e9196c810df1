using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace SmartLock.Server.Tests.Locks;

/// <summary>What these tests ask of the API again and again.</summary>
internal static class LockCalls
{
    public static async Task RegisterAsync(this SignedIn owner, string deviceId)
    {
        using var answer = await owner.Http.PostAsJsonAsync("/api/locks", new { device_id = deviceId, name = $"Door {deviceId}" });
        answer.StatusCode.ShouldBe(HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
    }

    public static Task<HttpResponseMessage> ShareAsync(
        this SignedIn owner,
        string deviceId,
        string username,
        string role,
        DateTimeOffset? from = null,
        DateTimeOffset? until = null) =>
        owner.Http.PostAsJsonAsync($"/api/locks/{deviceId}/shares", new { username, role, from, until });

    public static Task<HttpResponseMessage> ReassignAsync(this SignedIn admin, string deviceId, string owner) =>
        admin.Http.PutAsJsonAsync($"/api/admin/locks/{deviceId}/owner", new { owner });

    public static Task<HttpResponseMessage> RenameAsync(this SignedIn owner, string deviceId, string name) =>
        owner.Http.PatchAsJsonAsync($"/api/locks/{deviceId}", new { name });

    public static Task<HttpResponseMessage> RotateKeyAsync(this SignedIn owner, string deviceId) =>
        owner.Http.PostAsync($"/api/locks/{deviceId}/rotate-key", null);

    public static Task<HttpResponseMessage> RotateKeyAsync(this SignedIn owner, string deviceId, bool unsigned) =>
        owner.Http.PostAsJsonAsync($"/api/locks/{deviceId}/rotate-key", new { unsigned });

    public static Task<HttpResponseMessage> UnlockAsync(this SignedIn user, string deviceId) =>
        user.Http.PostAsJsonAsync("/api/unlock", new { device_id = deviceId });

    public static Task<HttpResponseMessage> ClaimAsync(this SignedIn user, string deviceId, string code, string name = "Hall") =>
        user.Http.PostAsJsonAsync("/api/locks/claim", new { device_id = deviceId, code, name });

    /// <summary>Everything in a lock's log as admins see it, oldest first.</summary>
    public static async Task<IReadOnlyList<JsonElement>> WholeLogAsync(this SignedIn admin, string deviceId)
    {
        var entries = new List<JsonElement>();
        string? path = $"/api/admin/logs?device_id={deviceId}&limit=100";
        while (path is not null)
        {
            var page = await admin.Http.GetFromJsonAsync<JsonElement>(path);
            entries.AddRange(page.GetProperty("items").EnumerateArray());
            path = page.GetProperty("next").GetString() is { } next ? $"/api/admin/logs?device_id={deviceId}&limit=100&cursor={next}" : null;
        }

        entries.Reverse();
        return entries;
    }

    public static string Text(this JsonElement item, string member) => item.GetProperty(member).GetString()!;
}
