using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace SmartLock.Server.Tests.Infrastructure;

public sealed class UnmatchedRouteTests
{
    /// <summary>Routing's own refusals pass by authorization; a route must not, however little is known of it.</summary>
    [Fact]
    public async Task A_route_without_any_metadata_still_asks_who_is_there()
    {
        var bare = new RouteEndpoint(
            context => context.Response.WriteAsync("secret"),
            RoutePatternFactory.Parse("/bare"),
            order: 0,
            EndpointMetadataCollection.Empty,
            displayName: null);
        await using var app = await TestApp.StartAsync(
            clock: null, map: web => ((IEndpointRouteBuilder)web).DataSources.Add(new DefaultEndpointDataSource(bare)));
        var anna = await app.OwnerAsync();

        using var stranger = await app.Http.GetAsync("/bare");
        using var member = await anna.Http.GetAsync("/bare");

        await stranger.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "unauthorized");
        (await member.Content.ReadAsStringAsync()).ShouldBe("secret");
    }

    [Fact]
    public async Task What_is_not_there_is_404_and_what_is_not_done_there_405_for_strangers_too()
    {
        await using var app = await TestApp.StartAsync();

        await (await app.Http.GetAsync("/nothing")).ShouldBeProblemAsync(HttpStatusCode.NotFound, "not_found");
        await (await app.Http.DeleteAsync("/api/events")).ShouldBeProblemAsync(HttpStatusCode.MethodNotAllowed, "method_not_allowed");
    }
}
