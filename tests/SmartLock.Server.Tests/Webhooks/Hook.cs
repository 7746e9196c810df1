using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Webhooks;

/// <summary>A webhook made over HTTP, and what its owner asks of it.</summary>
internal sealed record Hook(SignedIn Owner, string Id, string Secret)
{
    /// <summary>For receivers on loopback without a certificate.</summary>
    public static readonly string[] Settings = ["--Webhooks:AllowHttp=true", "--Webhooks:AllowPrivateNetworks=127.0.0.0/8"];

    public static async Task<Hook> CreateAsync(SignedIn owner, string url, string[]? events = null, string? deviceId = null)
    {
        using var answer = await PostAsync(owner, new { url, events = events ?? ["lock", "command"], device_id = deviceId });
        answer.StatusCode.ShouldBe(HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
        var made = await answer.JsonAsync();
        return new Hook(owner, made.GetProperty("webhook_id").GetString()!, made.GetProperty("secret").GetString()!);
    }

    public static Task<HttpResponseMessage> PostAsync(SignedIn owner, object body) => owner.Http.PostAsJsonAsync("/api/webhooks", body);

    public Task<JsonElement> ReadAsync() => Owner.Http.GetFromJsonAsync<JsonElement>($"/api/webhooks/{Id}");

    public Task<HttpResponseMessage> ChangeAsync(object change) => Owner.Http.PatchAsJsonAsync($"/api/webhooks/{Id}", change);

    public async Task<string> TestAsync()
    {
        using var answer = await Owner.Http.PostAsync($"/api/webhooks/{Id}/test", null);
        answer.StatusCode.ShouldBe(HttpStatusCode.Accepted, await answer.Content.ReadAsStringAsync());
        return (await answer.JsonAsync()).GetProperty("delivery_id").GetString()!;
    }

    public Task<HttpResponseMessage> RetryAsync(string deliveryId) =>
        Owner.Http.PostAsync($"/api/webhooks/{Id}/deliveries/{deliveryId}/retry", null);

    /// <summary>Newest first.</summary>
    public async Task<IReadOnlyList<JsonElement>> DeliveriesAsync(string? state = null)
    {
        var page = await Owner.Http.GetFromJsonAsync<JsonElement>($"/api/webhooks/{Id}/deliveries?limit=100{(state is null ? "" : $"&state={state}")}");
        return [.. page.GetProperty("items").EnumerateArray()];
    }

    public async Task<JsonElement> DeliveryAsync(string deliveryId, Func<JsonElement, bool> fits, string what)
    {
        JsonElement found = default;
        await Eventually.TrueAsync(
            async () =>
            {
                found = (await DeliveriesAsync()).Single(d => d.GetProperty("delivery_id").GetString() == deliveryId);
                return fits(found);
            },
            $"{deliveryId} {what}");
        return found;
    }

    public Task<JsonElement> InStateAsync(string deliveryId, string state) =>
        DeliveryAsync(deliveryId, d => d.GetProperty("state").GetString() == state, $"is {state}");

    /// <summary>So many attempts were made and judged.</summary>
    public Task<JsonElement> AttemptedAsync(string deliveryId, int times) => DeliveryAsync(
        deliveryId,
        d => d.GetProperty("attempts").GetInt32() == times,
        $"was attempted {times} times");
}
