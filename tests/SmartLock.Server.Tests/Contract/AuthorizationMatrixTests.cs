using System.Globalization;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace SmartLock.Server.Tests.Contract;

public sealed class AuthorizationMatrixTests
{
    private static readonly string[] Settings = ["--Original:Enabled=true", "--Devices:AllowUnsigned=true", "--Webhooks:MaxPerAccount=1000"];

    [Fact]
    public async Task Every_operation_has_its_row_and_every_row_its_operation()
    {
        await using var app = await TestApp.StartAsync(Settings);

        AuthorizationMatrix.Rows.Select(r => r.Operation).ShouldBe(Operations(app), ignoreOrder: true);
        AuthorizationMatrix.Rows.ShouldAllBe(r => r.Expected.Count == Cast.Roles.Count);
    }

    [Fact]
    public async Task Everybody_may_do_what_the_matrix_says_and_no_more()
    {
        await using var app = await TestApp.StartAsync(Settings);
        var casts = 0;
        var scenes = 0;
        var wrong = new List<string>();
        var standing = await Cast.AssembleAsync(app, ++casts);
        foreach (var row in AuthorizationMatrix.Rows)
        {
            var codes = new List<int>();
            var reads = row.Operation.StartsWith("GET ", StringComparison.Ordinal) ? await SceneAsync(standing) : null;
            for (var role = 0; role < Cast.Roles.Count; role++)
            {
                var cast = row.NeedsFreshCast ? await Cast.AssembleAsync(app, ++casts) : standing;
                var scene = reads ?? await SceneAsync(cast);
                codes.Add(await AskAsync(row, scene, cast.All[role], $"fresh-{scene.DeviceId}"));
            }

            if (!codes.SequenceEqual(row.Expected))
            {
                wrong.Add($"{row.Operation}: expected {string.Join(' ', row.Expected)}, was {string.Join(' ', codes)}");
            }
        }

        wrong.ShouldBeEmpty();

        Task<Scene> SceneAsync(Cast cast) => Scene.SetAsync(app, cast, string.Create(CultureInfo.InvariantCulture, $"M-{++scenes}"));
    }

    private static async Task<int> AskAsync(MatrixRow row, Scene scene, SignedIn asker, string fresh)
    {
        using var request = new HttpRequestMessage(new HttpMethod(row.Operation.Split(' ')[0]), AuthorizationMatrix.PathOf(row, scene));
        if (AuthorizationMatrix.BodyOf(row, scene, fresh) is { } body)
        {
            request.Content = JsonContent.Create(body);
        }

        // A stream of events does not end.
        using var answer = await asker.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return (int)answer.StatusCode;
    }

    /// <summary>All that is routed, described or not; the documentation page is files.</summary>
    private static IEnumerable<string> Operations(TestApp app) =>
        (from endpoint in app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
         let route = "/" + endpoint.RoutePattern.RawText!.Trim('/')
         from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]
         select $"{method} {route}").Distinct();
}
