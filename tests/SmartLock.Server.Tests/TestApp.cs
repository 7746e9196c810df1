using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;
using SmartLock.Testing;

namespace SmartLock.Server.Tests;

/// <summary>
/// The real server on loopback ports of its own, with a data folder of its own that goes when it goes. Rate limits are out of the way
/// and passwords hashed cheaply, unless a test's settings say otherwise.
/// </summary>
internal sealed class TestApp : IAsyncDisposable
{
    public const string Password = "correct horse battery";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly string[] Defaults =
    [
        "--environment=Testing",
        "--Urls=http://127.0.0.1:0",
        "--Mqtt:Port=0",
        "--Mqtt:RefusalDelay=00:00:00",
        "--RateLimits:Auth:PermitsPerMinute=1000000",
        "--RateLimits:Commands:PermitsPerMinute=1000000",
        "--RateLimits:Reads:PermitsPerMinute=1000000",
        "--RateLimits:Anonymous:PermitsPerMinute=1000000",
        "--Logging:LogLevel:Default=Warning",
    ];

    private static readonly ConcurrentDictionary<string, bool> Validated = new();

    private readonly WebApplication _app;
    private readonly bool _ownsFolder;
    private readonly List<HttpClient> _clients = [];
    private int _users;
    private bool _stopped;
    private bool _disposed;

    private TestApp(WebApplication app, FakeClock? clock, LogLines logs, string dataFolder, bool ownsFolder)
    {
        _app = app;
        _ownsFolder = ownsFolder;
        Clock = clock!;
        Logs = logs;
        DataFolder = dataFolder;
        Address = HttpEndpoints.AddressOf(app.Services);
        Http = NewClient();
    }

    public Uri Address { get; }

    /// <summary>Not signed in.</summary>
    public HttpClient Http { get; }

    /// <summary>Only when the test started the app with one.</summary>
    public FakeClock Clock { get; }

    public LogLines Logs { get; }

    public string DataFolder { get; }

    public IServiceProvider Services => _app.Services;

    public static Task<TestApp> StartAsync(params string[] settings) => StartAsync(null, null, null, settings);

    /// <param name="clock">Takes the place of the system's clock everywhere in the server.</param>
    /// <param name="configure">Replaces services; runs last.</param>
    /// <param name="map">Adds endpoints of the test's own.</param>
    /// <param name="settings">As on the command line; they win over the tests' defaults. With <c>--Data:Folder</c> the folder stays.</param>
    public static async Task<TestApp> StartAsync(
        FakeClock? clock,
        Action<WebApplicationBuilder>? configure = null,
        Action<WebApplication>? map = null,
        params string[] settings)
    {
        const string FolderSetting = "--Data:Folder=";
        var given = settings.LastOrDefault(s => s.StartsWith(FolderSetting, StringComparison.Ordinal));
        var folder = given is null ? Directory.CreateTempSubdirectory("smartlock-test-").FullName : given[FolderSetting.Length..];
        var logs = new LogLines();
        // Quartz keeps real time: beside a clock that a test moves, its jobs would run when the test least expects them.
        string[] jobs = clock is null ? [] : ["--Devices:SweepEvery=1.00:00:00"];
        var app = SmartLockServer.Create([.. Defaults, FolderSetting + folder, .. jobs, .. settings], builder =>
        {
            builder.Host.UseDefaultServiceProvider(o =>
            {
                o.ValidateScopes = true;
                o.ValidateOnBuild = IsFirstOfItsKind(settings);
            });
            builder.Logging.ClearProviders().AddProvider(logs);
            if (clock is not null)
            {
                builder.Services.Replace(ServiceDescriptor.Singleton<TimeProvider>(clock));
            }

            if (!settings.Any(s => s.StartsWith("--Accounts:PasswordIterations=", StringComparison.Ordinal)))
            {
                // Below what the setting allows: the suite makes hundreds of accounts, and slow hashes would only cost time.
                builder.Services.PostConfigure<PasswordHasherOptions>(hasher => hasher.IterationCount = 1_000);
            }

            configure?.Invoke(builder);
        });
        map?.Invoke(app);
        try
        {
            await app.StartAsync().WaitAsync(Patience);
            return new TestApp(app, clock, logs, folder, ownsFolder: given is null);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    /// <summary>Building every service to see that it can be built is slow, so that each composition is validated once in a run.</summary>
    private static bool IsFirstOfItsKind(string[] settings) => Validated.TryAdd(
        string.Join(' ', settings.Where(s => s.StartsWith("--Storage:Provider=", StringComparison.Ordinal) || s.StartsWith("--Mqtt:Mode=", StringComparison.Ordinal))),
        true);

    public HttpClient NewClient()
    {
        var client = new HttpClient { BaseAddress = Address, Timeout = Patience };
        lock (_clients)
        {
            _clients.Add(client);
        }

        return client;
    }

    /// <summary>Registers an account over HTTP; without a name, one that no other account of this app has.</summary>
    public async Task<string> RegisterUserAsync(string? username = null, string password = Password)
    {
        username ??= $"user{Interlocked.Increment(ref _users)}";
        using var answer = await Http.PostAsJsonAsync("/api/auth/register", new { username, password });
        answer.StatusCode.ShouldBe(System.Net.HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
        return username;
    }

    /// <summary>A client of its own that carries the account's access token.</summary>
    public async Task<SignedIn> SignInAsync(string username, string password = Password)
    {
        using var answer = await Http.PostAsJsonAsync("/api/auth/login", new { username, password });
        answer.StatusCode.ShouldBe(System.Net.HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
        var login = await answer.Content.ReadFromJsonAsync<JsonElement>();
        return SignedInWith(username, login.GetProperty("access_token").GetString()!);
    }

    /// <summary>A new account, signed in.</summary>
    public async Task<SignedIn> OwnerAsync(string? username = null) => await SignInAsync(await RegisterUserAsync(username));

    /// <summary>A new admin, signed in.</summary>
    public async Task<SignedIn> AdminAsync(string username = "boss")
    {
        var outcome = await Services.GetRequiredService<Registration>().RegisterAsync(username, Password, null, Role.Admin, AuditActors.System, default);
        outcome.ShouldBe(RegisterOutcome.Registered);
        return await SignInAsync(username);
    }

    /// <summary>An account written to the store directly: an admin, or a disabled one.</summary>
    public async Task<User> StoredUserAsync(string username, Role role = Role.User, bool disabled = false)
    {
        var now = Services.GetRequiredService<TimeProvider>().GetUtcNow();
        var user = new User(username, null, "not a hash", role, now, disabled);
        (await Services.GetRequiredService<IUserStore>().CreateAsync(user, user.Username, default)).ShouldBe(CreateUserOutcome.Created);
        return user;
    }

    /// <summary>A new session of an account, opened without its password.</summary>
    public async Task<SignedIn> SessionOfAsync(string username)
    {
        var user = await Services.GetRequiredService<IUserStore>().FindAsync(username, default);
        var tokens = await Services.GetRequiredService<Sessions>().OpenAsync(user!, new Client("tests", "127.0.0.1"), default);
        return SignedInWith(user!.Username, tokens!.AccessToken);
    }

    /// <summary>A client with any token, good or not.</summary>
    public SignedIn SignedInWith(string username, string token)
    {
        var client = NewClient();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return new SignedIn(username, token, client);
    }

    /// <summary>Every method and route under /api, such as <c>GET /api/me</c>.</summary>
    public IReadOnlyList<(string Method, string Route)> ApiEndpoints() =>
    [
        .. from endpoint in Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
           let route = "/" + endpoint.RoutePattern.RawText!.Trim('/')
           where route.StartsWith("/api/", StringComparison.Ordinal)
           from method in endpoint.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods
           select (method, route),
    ];

    /// <summary>Waits for requests that are being answered. A test may stop, or dispose, before its end does.</summary>
    public async Task StopAsync()
    {
        if (!Interlocked.Exchange(ref _stopped, true))
        {
            await _app.StopAsync().WaitAsync(Patience);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
        {
            return;
        }

        _clients.ForEach(c => c.Dispose());
        await StopAsync();
        await _app.DisposeAsync();
        if (_ownsFolder)
        {
            Directory.Delete(DataFolder, recursive: true);
        }
    }
}

internal sealed record SignedIn(string Username, string Token, HttpClient Http);
