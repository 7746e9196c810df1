using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Messaging;

/// <param name="Provider">Whose locks these are: <c>native</c> are this server's own.</param>
/// <param name="Mode">Native: <c>embedded</c> or <c>external</c>, which broker its devices speak to.</param>
/// <param name="ListeningSince">Since when the server receives statuses without a break; null while it does not.</param>
/// <param name="ConnectedDevices">Devices that reported to this process within <c>Devices:OfflineAfter</c>.</param>
internal sealed record IntegrationResponse(string Provider, MqttMode Mode, DateTimeOffset? ListeningSince, int ConnectedDevices);

internal sealed record IntegrationListResponse(IReadOnlyList<IntegrationResponse> Items);

internal static class IntegrationAdminEndpoints
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapAdmin()
        .MapGet("/integrations", List)
        .WithName("listIntegrations")
        .WithSummary("How devices are reached, and whether they can be now")
        .RequireRateLimiting(RateLimits.Reads);

    private static Ok<IntegrationListResponse> List(IDeviceLink link, IOptions<MqttOptions> mqtt, OnlineDevices reported) => TypedResults.Ok(new IntegrationListResponse(
    [
        new IntegrationResponse("native", mqtt.Value.Mode, link.ListeningSince, reported.Count()),
    ]));
}
