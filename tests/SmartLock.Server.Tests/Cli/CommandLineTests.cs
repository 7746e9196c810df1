using System.Globalization;
using System.Net;
using System.Net.Sockets;
using SmartLock.Server.Tests.Audit;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Cli;

/// <summary>The program as an operator meets it: started, watched and ended from outside.</summary>
public sealed class CommandLineTests : IDisposable
{
    private const string Password = "correct horse battery";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly string Server = Path.Combine(AppContext.BaseDirectory, "SmartLock.Server.dll");

    private readonly string _folder = Directory.CreateTempSubdirectory("smartlock-cli-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Help_names_the_commands_and_how_settings_are_given()
    {
        var (code, output) = await RunAsync(["--help"]);

        code.ShouldBe(0);
        foreach (var word in new[] { "serve", "demo", "admin", "--Urls=http://127.0.0.1:9000" })
        {
            output.ShouldContain(word);
        }
    }

    [Fact]
    public async Task A_mistyped_command_is_refused_and_does_not_start_the_server()
    {
        var (code, output) = await RunAsync(["sevre"]);

        code.ShouldNotBe(0);
        output.ShouldContain("sevre");
    }

    [Theory]
    [InlineData("--Urls=nonsense", "Urls")]
    [InlineData("--Storage:Provider=MongoDb", "Storage:Provider")]
    [InlineData("--Jwt:SigningKey=c2hvcnQ=", "Jwt:SigningKey")]
    [InlineData("--RateLimits:Auth:PermitsPerMinute=many", "RateLimits:Auth:PermitsPerMinute")]
    [InlineData("--Accounts:PasswordIterations=1", "Accounts:PasswordIterations")]
    [InlineData("--Data:Folder=/proc/nowhere", "Data:Folder")]
    public async Task A_wrong_setting_ends_the_start_with_one_sentence_that_names_it(string setting, string named)
    {
        var (code, output) = await RunAsync([.. Settings(), setting]);

        code.ShouldBe(1);
        SentenceIn(output).ShouldContain(named);
    }

    [Fact]
    public async Task A_port_in_use_ends_the_start_with_one_sentence()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);

        var (code, output) = await RunAsync([.. Settings(), $"--Urls=http://127.0.0.1:{port}"]);

        code.ShouldBe(1);
        SentenceIn(output).ShouldContain(port);
        SentenceIn(output).ShouldContain("--Urls=");
    }

    [Fact]
    public async Task An_admin_is_made_beside_the_running_server_and_may_sign_in()
    {
        var url = $"http://127.0.0.1:{FreePort.Next().ToString(CultureInfo.InvariantCulture)}";
        await using var server = ExternalProgram.Start("dotnet", [Server, "serve", .. Settings(), $"--Urls={url}"]);
        await server.LineAsync(l => l.Contains("admin create", StringComparison.Ordinal), "the word that there is no admin yet");

        var (code, output) = await RunAsync(["admin", "create", "Alice", .. Settings()], Password + "\n");

        code.ShouldBe(0, output);
        output.ShouldNotContain(Password);
        using var http = new HttpClient { BaseAddress = new Uri(url) };
        using var login = await http.PostTextAsync("/api/auth/login", $$"""{"username":"alice","password":"{{Password}}"}""");
        (await login.JsonAsync()).GetProperty("role").GetString().ShouldBe("admin");
        server.Interrupt();
        (await server.ExitAsync(Patience)).ShouldBe(0);
    }

    [Fact]
    public async Task The_first_start_prints_a_link_that_makes_the_first_admin_and_the_next_prints_none()
    {
        var url = $"http://127.0.0.1:{FreePort.Next().ToString(CultureInfo.InvariantCulture)}";
        string[] arguments = [Server, "serve", .. Settings(), $"--Urls={url}"];
        await using (var server = ExternalProgram.Start("dotnet", arguments))
        {
            await server.LineAsync(l => l.Contains("/setup#token=", StringComparison.Ordinal), "the link");
            var line = server.Lines.Single(l => l.Contains("/setup#token=", StringComparison.Ordinal));
            var token = line[(line.IndexOf("token=", StringComparison.Ordinal) + "token=".Length)..].Trim();
            line.Trim().ShouldStartWith($"{url}/setup#");
            using var http = new HttpClient { BaseAddress = new Uri(url) };
            (await http.GetStringAsync("/setup")).ShouldContain("Make the first admin");

            using var made = await http.PostTextAsync(
                "/api/auth/first-admin", $$"""{"token":"{{token}}","username":"alice","password":"{{Password}}"}""");

            made.StatusCode.ShouldBe(HttpStatusCode.Created);
            server.Interrupt();
            (await server.ExitAsync(Patience)).ShouldBe(0);
        }

        await using var second = ExternalProgram.Start("dotnet", arguments);
        await second.LineAsync(l => l.Contains("SmartLock is up", StringComparison.Ordinal), "the word that it is up");
        using var later = new HttpClient { BaseAddress = new Uri(url) };
        using var page = await later.GetAsync("/setup");
        page.StatusCode.ShouldBe(HttpStatusCode.Gone);
        second.Interrupt();
        (await second.ExitAsync(Patience)).ShouldBe(0);
        second.Output.ShouldNotContain("token=");
    }

    [Fact]
    public async Task The_password_may_come_from_the_environment()
    {
        var environment = new Dictionary<string, string> { ["SMARTLOCK_ADMIN_PASSWORD"] = Password };

        var (first, _) = await RunAsync(["admin", "create", "alice", .. Settings()], environment: environment);
        var (second, output) = await RunAsync(["admin", "create", "ALICE", .. Settings()], environment: environment);

        first.ShouldBe(0);
        second.ShouldBe(1);
        output.ShouldBe("The name ALICE is another account's, or was.");
    }

    [Theory]
    [InlineData("al", Password, 2, "The username must have 3 to 32 characters.")]
    [InlineData("system", Password, 2, "The username is a reserved name.")]
    [InlineData("alice", "short", 2, "The password must have at least 10 characters.")]
    [InlineData("alice", "password123", 2, "The password is too easy to guess.")]
    [InlineData("alice", "", 130, "No password was given.")]
    public async Task An_admin_against_the_rules_is_not_made(string username, string password, int expected, string sentence)
    {
        var (code, output) = await RunAsync(["admin", "create", username, .. Settings()], password);

        code.ShouldBe(expected);
        output.ShouldBe(sentence);
    }

    [Fact]
    public async Task The_log_is_verified_and_its_first_faulty_entry_named()
    {
        await using (var app = await TestApp.StartAsync($"--Data:Folder={_folder}"))
        {
            var owner = await app.OwnerAsync();
            using var registered = await owner.Http.PostTextAsync("/api/locks", """{"device_id":"D1","name":"Door"}""");
            using var attempt = await owner.Http.PostTextAsync("/api/unlock", """{"device_id":"D1"}""");
        }

        var (intact, good) = await RunAsync(["audit", "verify", .. Settings()]);
        Tampering.Run(Path.Combine(_folder, "smartlock.db"), "UPDATE logs SET result = 'sent' WHERE device_id = 'D1' AND seq = 2");
        var (broken, bad) = await RunAsync(["audit", "verify", .. Settings()]);
        var (nothing, question) = await RunAsync(["audit", "verify", "--device-id", "D2", .. Settings()]);

        intact.ShouldBe(0, good);
        good.ShouldContain("as the server wrote them");
        broken.ShouldBe(3, bad);
        bad.ShouldMatch(@"entry 2 \(id \d+\) of D1: its content was changed");
        nothing.ShouldBe(1, question);
        question.ShouldContain("Data:Folder");
    }

    /// <summary>One line says it, and no stack trace stands around it.</summary>
    private static string SentenceIn(string output)
    {
        output.ShouldNotContain("   at ");
        output.ShouldNotContain("Exception");
        return output.Split('\n').Where(l => l.StartsWith("SmartLock cannot start.", StringComparison.Ordinal)).ShouldHaveSingleItem();
    }

    private string[] Settings() => [$"--Data:Folder={_folder}", "--Urls=http://127.0.0.1:0", "--Mqtt:Port=0"];

    private static async Task<(int Code, string Output)> RunAsync(
        string[] arguments, string? input = null, Dictionary<string, string>? environment = null)
    {
        await using var program = ExternalProgram.Start("dotnet", [Server, .. arguments], input, environment);
        var code = await program.ExitAsync(Patience);
        return (code, program.Output);
    }
}
