using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Messaging;

/// <param name="Provider">Whose locks these are: <c>native</c> are this server's own.</param>
/// <param name="Mode">Native: <c>embedded</c> or <c>external</c>, which broker its devices speak to.</param>
/// <param name="ListeningSince">Since when devices can be heard without a break; null while they cannot.</param>
/// <param name="ConnectedDevices">Devices that this process heard within <c>Devices:OfflineAfter</c>.</param>
internal sealed record IntegrationAnswer(string Provider, MqttMode Mode, DateTimeOffset? ListeningSince, int ConnectedDevices);

internal sealed record IntegrationList(IReadOnlyList<IntegrationAnswer> Items);

internal static class IntegrationAdminEndpoints
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapAdmin()
        .MapGet("/integrations", List)
        .WithName("listIntegrations")
        .WithSummary("How devices are reached, and whether they can be now")
        .RequireRateLimiting(RateLimits.Reads);

    private static Ok<IntegrationList> List(IDeviceLink link, IOptions<MqttOptions> mqtt, HeardDevices heard) => TypedResults.Ok(new IntegrationList(
    [
        new IntegrationAnswer("native", mqtt.Value.Mode, link.ListeningSince, heard.Count()),
    ]));
}
