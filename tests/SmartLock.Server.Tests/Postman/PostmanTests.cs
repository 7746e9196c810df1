using System.Net.Http.Json;
using System.Text.Json;
using SmartLock.Server.Accounts;
using SmartLock.Server.Infrastructure;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Postman;

/// <summary>The collection that is handed to app developers describes this API, and what it claims is true.</summary>
public sealed class PostmanTests
{
    /// <summary>A few below what there are, so that only a loss of many is noticed here; each request has at least one of its own.</summary>
    private const int FewestAssertions = 600;

    private const string FirstSystem = "First system";

    /// <summary>An event stream, which ends when its listener goes: for people, not for a run.</summary>
    private const string Endless = "Listen";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private static readonly string[] WithFirstSystem = ["--Original:Enabled=true", "--Devices:AllowUnsigned=true"];

    /// <summary>What the server answers beside the operations of its OpenAPI document.</summary>
    private static readonly string[] Plumbing = ["GET /docs", "GET /health/live", "GET /health/ready", "GET /openapi/v1.json"];

    /// <summary>Of HTTP, which the document names for no operation.</summary>
    private static readonly string[] PlainHeaders = ["Accept", "Content-Type", "Prefer"];

    [Fact]
    public async Task The_collection_has_every_operation_and_no_other()
    {
        await using var app = await TestApp.StartAsync(WithFirstSystem);
        var operations = (await OperationsAsync(app)).Select(o => o.Name);

        PostmanCollection.Requests().Select(r => r.Operation).Distinct().ShouldBe([.. operations, .. Plumbing], ignoreOrder: true);
    }

    [Fact]
    public async Task The_collection_shows_every_query_parameter_and_header_that_an_operation_takes()
    {
        await using var app = await TestApp.StartAsync(WithFirstSystem);
        // The first system's commands have the paths of this one's and the lock in the query, which the document cannot say.
        var shown = PostmanCollection.Requests()
            .Where(r => r.Folder != FirstSystem || !r.Operation.Contains(" /api/", StringComparison.Ordinal))
            .ToLookup(r => r.Operation, r => r.Parameters);

        foreach (var (name, operation) in await OperationsAsync(app))
        {
            var known = operation.TryGetProperty("parameters", out var parameters)
                ? parameters.EnumerateArray().Where(p => p.GetProperty("in").GetString() != "path").Select(p => p.GetProperty("name").GetString()!)
                : [];
            shown[name].SelectMany(p => p).Except(PlainHeaders).Distinct().ShouldBe(known, ignoreOrder: true, name);
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
    public void The_last_request_forgets_what_the_run_kept_of_secrets()
    {
        string[] kinds = ["_token", "_password", "_secret", "_code", "_key"];
        using var collection = JsonDocument.Parse(File.ReadAllText(PostmanCollection.Path));
        var last = collection.RootElement.GetProperty("item").EnumerateArray().Last().GetProperty("item").EnumerateArray().Last();
        var script = last.GetProperty("event").EnumerateArray().Single(e => e.GetProperty("listen").GetString() == "test").GetProperty("script");
        var lines = string.Join('\n', script.GetProperty("exec").EnumerateArray().Select(l => l.GetString()));

        var secrets = collection.RootElement.GetProperty("variable").EnumerateArray()
            .Select(v => v.GetProperty("key").GetString()!)
            .Where(name => name != "idempotency_key" && kinds.Any(k => name.EndsWith(k, StringComparison.Ordinal)))
            .ToList();
        secrets.Count.ShouldBeGreaterThan(20);
        secrets.ShouldAllBe(name => lines.Contains($"\"{name}\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Newman_walks_the_whole_collection_and_moves_the_bolt()
    {
        await using var app = await TestApp.StartAsync(WithFirstSystem);
        var owner = await app.OwnerAsync();
        var admin = await app.AdminAsync();
        await using var door = await Door.OpenAsync(app, owner);

        var run = await RunAsync(
            app,
            ("username", owner.Username),
            ("password", TestApp.Password),
            ("device_id", door.DeviceId),
            ("admin_username", admin.Username),
            ("admin_password", TestApp.Password),
            ("original", "yes"));

        run.Skipped().ShouldBe(
            [Endless, "Register the owner", "Delete the owner's account – it owns locks", "Delete the owner's account", "Delete the guest's account"],
            ignoreOrder: true);
        run.Assertions.ShouldBeGreaterThanOrEqualTo(FewestAssertions);
        (await door.LogAsync()).Count(e => e.GetProperty("result").GetString() == "done").ShouldBe(6, "each command of the collection moved the bolt once");
        await ShouldBeTidyAsync(owner, admin, door.DeviceId);
    }

    [Fact]
    public async Task Newman_with_nothing_but_an_address_makes_its_own_accounts_and_locks_within_the_default_rate_limits()
    {
        var limits = new RateLimitOptions();
        await using var app = await TestApp.StartAsync(
            $"--RateLimits:Auth:PermitsPerMinute={limits.Auth.PermitsPerMinute}",
            $"--RateLimits:Commands:PermitsPerMinute={limits.Commands.PermitsPerMinute}",
            $"--RateLimits:Reads:PermitsPerMinute={limits.Reads.PermitsPerMinute}",
            $"--RateLimits:Anonymous:PermitsPerMinute={limits.Anonymous.PermitsPerMinute}");

        var run = await RunAsync(app);

        string[] folders = ["Commands – with a device", "Admin", FirstSystem];
        run.Skipped().ShouldBe(
            [
                .. PostmanCollection.Requests().Where(r => folders.Contains(r.Folder)).Select(r => r.Name),
                Endless,
                "Remove the claimed lock",
                "Log the admin out",
                "Log the owner out",
            ],
            ignoreOrder: true);
        await app.StoredUserAsync("boss", Role.Admin);
        var admin = await app.SessionOfAsync("boss");
        await ShouldBeTidyAsync(admin, admin);
    }

    /// <summary>Of all that the collection made there is nothing left.</summary>
    private static async Task ShouldBeTidyAsync(SignedIn owner, SignedIn admin, params string[] locks)
    {
        (await ItemsAsync(admin, "/api/admin/users?search=postman-")).ShouldBeEmpty();
        (await ItemsAsync(admin, "/api/admin/locks")).Select(l => l.GetProperty("device_id").GetString()).ShouldBe(locks);
        (await ItemsAsync(admin, "/api/admin/devices")).ShouldBeEmpty();
        (await ItemsAsync(owner, "/api/webhooks")).ShouldBeEmpty();
    }

    private static async Task<IReadOnlyList<JsonElement>> ItemsAsync(SignedIn somebody, string path) =>
        [.. (await somebody.Http.GetFromJsonAsync<JsonElement>(path)).GetProperty("items").EnumerateArray()];

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
    private static async Task<Run> RunAsync(TestApp app, params (string Name, string Value)[] environment)
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
        var sent = run.GetProperty("executions").EnumerateArray()
            .Where(e => e.TryGetProperty("response", out _))
            .Select(e => e.GetProperty("item").GetProperty("name").GetString()!);
        return new Run([.. sent], stats.GetProperty("assertions").GetProperty("total").GetInt32());
    }

    /// <param name="Sent">Names of the requests that were answered, in their order.</param>
    private sealed record Run(IReadOnlyList<string> Sent, int Assertions)
    {
        /// <summary>Names of the collection's requests that were not sent, each of which must be the name of one request.</summary>
        public List<string> Skipped()
        {
            List<string> left = [.. PostmanCollection.Requests().Select(r => r.Name)];
            left.ShouldBeUnique();
            foreach (var name in Sent)
            {
                left.Remove(name).ShouldBeTrue(name);
            }

            return left;
        }
    }
}
