using System.Text.Json;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Postman;

/// <summary>The collection that is handed to app developers describes this API, and what it claims is true.</summary>
public sealed class PostmanTests
{
    /// <summary>A few below what there are, so that only a loss of many is noticed here; each request has at least one of its own.</summary>
    private const int FewestAssertions = 150;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>What the server answers beside the operations of its OpenAPI document.</summary>
    private static readonly string[] Plumbing = ["GET /docs", "GET /health/live", "GET /health/ready", "GET /openapi/v1.json"];

    [Fact]
    public async Task The_collection_has_every_operation_and_no_other()
    {
        await using var app = await TestApp.StartAsync();
        var operations = (await OperationsAsync(app)).Select(o => o.Name);

        PostmanCollection.Requests().Select(r => r.Operation).Distinct().ShouldBe([.. operations, .. Plumbing], ignoreOrder: true);
    }

    [Fact]
    public async Task The_collection_shows_every_query_parameter_and_header_that_an_operation_takes()
    {
        await using var app = await TestApp.StartAsync();
        var shown = PostmanCollection.Requests().Where(r => r.IsApi).ToLookup(r => r.Operation, r => r.Parameters);

        foreach (var (name, operation) in await OperationsAsync(app))
        {
            var known = operation.TryGetProperty("parameters", out var parameters)
                ? parameters.EnumerateArray().Where(p => p.GetProperty("in").GetString() != "path").Select(p => p.GetProperty("name").GetString()!)
                : [];
            shown[name].SelectMany(p => p).Except(["Content-Type", "Prefer"]).Distinct().ShouldBe(known, ignoreOrder: true, name);
        }
    }

    [Fact]
    public void The_collection_and_its_environment_hold_no_secrets()
    {
        using var collection = JsonDocument.Parse(File.ReadAllText(PostmanCollection.Path));
        using var environment = JsonDocument.Parse(File.ReadAllText(PostmanCollection.EnvironmentPath));

        var variables = collection.RootElement.GetProperty("variable").EnumerateArray().Concat(environment.RootElement.GetProperty("values").EnumerateArray());

        variables.Where(v => v.GetProperty("value").GetString() != "").Select(v => v.GetProperty("key").GetString()).Distinct().ShouldBe(["base_url"]);
    }

    [Fact]
    public async Task Newman_walks_the_whole_collection_and_moves_the_bolt()
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner);

        var run = await RunAsync(app, ("username", owner.Username), ("password", TestApp.Password), ("device_id", door.DeviceId));

        run.Requests.ShouldBe(PostmanCollection.Requests().Count, "none was skipped");
        run.Assertions.ShouldBeGreaterThanOrEqualTo(FewestAssertions);
        (await door.LogAsync()).Count(e => e.GetProperty("result").GetString() == "done").ShouldBe(6, "each command of the collection moved the bolt once");
    }

    [Fact]
    public async Task Newman_with_nothing_but_an_address_makes_its_own_account_and_lock()
    {
        await using var app = await TestApp.StartAsync();

        var run = await RunAsync(app);

        run.Requests.ShouldBeInRange(40, PostmanCollection.Requests().Count - 1, "what needs a device was skipped, and nothing else");
    }

    private static async Task<IReadOnlyList<(string Name, JsonElement Operation)>> OperationsAsync(TestApp app)
    {
        var document = JsonDocument.Parse(await app.Http.GetStringAsync("/openapi/v1.json")).RootElement;
        return
        [
            .. from path in document.GetProperty("paths").EnumerateObject()
               from operation in path.Value.EnumerateObject()
               select ($"{operation.Name.ToUpperInvariant()} {path.Name}", operation.Value),
        ];
    }

    /// <summary>Fails with what newman printed unless every assertion held.</summary>
    private static async Task<(int Requests, int Assertions)> RunAsync(TestApp app, params (string Name, string Value)[] environment)
    {
        var newman = ExternalProgram.Find("newman");
        Assert.SkipWhen(newman is null, "newman is not installed");
        var report = Path.Combine(app.DataFolder, "newman.json");
        string[] variables =
        [
            .. from variable in environment.Prepend(("base_url", app.Address.GetLeftPart(UriPartial.Authority)))
               from argument in new[] { "--env-var", $"{variable.Item1}={variable.Item2}" }
               select argument,
        ];

        await using var program = ExternalProgram.Start(
            newman!,
            ["run", PostmanCollection.Path, "-e", PostmanCollection.EnvironmentPath, "-r", "cli,json", "--reporter-json-export", report, "--color", "off", .. variables]);

        (await program.ExitAsync(Patience)).ShouldBe(0, program.Output);
        using var document = JsonDocument.Parse(await File.ReadAllTextAsync(report));
        var run = document.RootElement.GetProperty("run");
        run.GetProperty("failures").GetArrayLength().ShouldBe(0, program.Output);
        var stats = run.GetProperty("stats");
        stats.GetProperty("assertions").GetProperty("failed").GetInt32().ShouldBe(0, program.Output);
        return (stats.GetProperty("requests").GetProperty("total").GetInt32(), stats.GetProperty("assertions").GetProperty("total").GetInt32());
    }
}
