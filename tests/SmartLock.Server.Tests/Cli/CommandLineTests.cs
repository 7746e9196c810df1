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
        foreach (var word in new[]
        {
            "serve", "demo", "admin", "audit", "admin create alice", "--Urls=http://127.0.0.1:8000", "Data__Folder", "SMARTLOCK_ADMIN_PASSWORD",
            "OTEL_EXPORTER_OTLP_ENDPOINT", "78 a setting is wrong",
        })
        {
            output.ShouldContain(word);
        }
    }

    [Fact]
    public async Task A_commands_own_help_is_its_own()
    {
        var (code, output) = await RunAsync(["admin", "create", "--help"]);

        code.ShouldBe(0);
        output.ShouldContain("<username>");
        output.ShouldNotContain("Examples:");
    }

    [Fact]
    public async Task The_version_is_said()
    {
        var (code, output) = await RunAsync(["--version"]);

        code.ShouldBe(0);
        output.ShouldMatch(@"\A\d+\.\d+\.\d+(\+[0-9a-f]+)?\z");
    }

    [Theory]
    [InlineData("sevre", "sevre", "serve")]
    [InlineData("adnim create alice", "adnim", "admin")]
    [InlineData("admin", "Required command was not provided", "--help")]
    [InlineData("admin create", "Required argument missing", "--help")]
    [InlineData("serve now", "now", "--help")]
    [InlineData("--Urls http://127.0.0.1:0", "--Urls", "--Urls=value")]
    public async Task A_mistyped_command_is_refused_with_a_hint_and_does_not_start_the_server(string line, string named, string hint)
    {
        var (code, output) = await RunAsync(line.Split(' '));

        code.ShouldBe(2);
        output.ShouldContain(named);
        output.ShouldContain(hint);
        output.ShouldNotContain("Usage:", customMessage: "the help would hide it");
    }

    [Theory]
    [InlineData("--Urls=nonsense", "Urls")]
    [InlineData("--Storage:Provider=Paper", "Storage:Provider")]
    [InlineData("--Jwt:SigningKey=c2hvcnQ=", "Jwt:SigningKey")]
    [InlineData("--RateLimits:Auth:PermitsPerMinute=many", "RateLimits:Auth:PermitsPerMinute")]
    [InlineData("--Accounts:PasswordIterations=1", "Accounts:PasswordIterations")]
    [InlineData("--Accounts:BCryptCost=31", "Accounts:BCryptCost")]
    [InlineData("--Accounts:PasswordHasher=7", "Accounts:PasswordHasher")]
    [InlineData("--Mqtt:Persistence=Disk", "Mqtt:Persistence")]
    [InlineData("--Mqtt:Persistence=7", "Mqtt:Persistence must be None, Database or File")]
    [InlineData("--Data:Folder=/proc/nowhere", "Data:Folder")]
    [InlineData("--Urls=https://127.0.0.1:0", "Kestrel:Certificates:Default")]
    [InlineData("--Mqtt:MaxConnections=1500000000", "Mqtt:MaxConnections=1500000000")]
    [InlineData("--Http:MaxConnections=many", "Http:MaxConnections")]
    public async Task A_wrong_setting_ends_the_start_with_one_sentence_that_names_it(string setting, string named)
    {
        var (code, output) = await RunAsync([.. Settings(), setting]);

        code.ShouldBe(78);
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
    public async Task An_unusable_temporary_folder_ends_the_start_with_one_sentence()
    {
        var (code, output) = await RunAsync(["serve", .. Settings()], environment: new() { ["TMPDIR"] = "/proc/nowhere" });

        code.ShouldBe(78, output);
        SentenceIn(output).ShouldContain("TMPDIR");
    }

    [Fact]
    public async Task A_second_server_on_the_data_folder_ends_with_one_sentence_and_the_first_goes_on()
    {
        await using var first = ExternalProgram.Start("dotnet", [Server, "serve", .. Settings()]);
        await first.LineAsync(l => l.Contains("SmartLock is up", StringComparison.Ordinal), "the server is up");

        var (code, output) = await RunAsync(["serve", .. Settings()]);

        code.ShouldBe(1, output);
        SentenceIn(output).ShouldContain(_folder);
        first.HasExited.ShouldBeFalse();
        await first.KillAsync();
        await using var next = ExternalProgram.Start("dotnet", [Server, "serve", .. Settings()]);
        await next.LineAsync(l => l.Contains("SmartLock is up", StringComparison.Ordinal), "the lock went with the process");
        next.Terminate();
        (await next.ExitAsync(Patience)).ShouldBe(0, next.Output);
    }

    /// <summary>At any moment of the start: the first lines of the program, the store, the listeners.</summary>
    [Theory]
    [InlineData(150)]
    [InlineData(300)]
    [InlineData(600)]
    [InlineData(1200)]
    public async Task A_stop_that_is_asked_for_during_the_start_is_no_failure(int milliseconds)
    {
        await using var server = ExternalProgram.Start("dotnet", [Server, "serve", .. Settings()]);
        await Task.Delay(milliseconds);

        server.Terminate();
        var code = await server.ExitAsync(Patience);

        // Before the runtime itself is there, nothing of ours can answer: that is the system's own 143.
        code.ShouldBe(server.Output.Length == 0 && milliseconds < 200 && code == 143 ? 143 : 0, server.Output);
        server.Output.ShouldNotContain("   at ");
        server.Output.ShouldNotContain("cannot start");
    }

    [Fact]
    public async Task The_broker_is_for_this_machine_only_and_the_start_says_how_to_open_it()
    {
        await using var server = ExternalProgram.Start("dotnet", [Server, "serve", .. Settings()]);

        await server.LineAsync(l => l.Contains("Devices connect to 127.0.0.1:", StringComparison.Ordinal), "where devices connect");
        await server.LineAsync(l => l.Contains("--Mqtt:Address=0.0.0.0", StringComparison.Ordinal), "how to open it");
        await server.LineAsync(l => l.Contains("Mqtt:CertificateFile", StringComparison.Ordinal), "how to open it safely");
        server.Interrupt();
        (await server.ExitAsync(Patience)).ShouldBe(0);
    }

    [Fact]
    public async Task Logs_may_be_one_json_object_a_line_with_the_trace_of_their_request()
    {
        const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        var url = $"http://127.0.0.1:{FreePort.Next().ToString(CultureInfo.InvariantCulture)}";
        await using var server = ExternalProgram.Start("dotnet",
        [
            Server, .. Settings(), $"--Urls={url}", "--Logging:Console:FormatterName=json", "--Logging:Console:FormatterOptions:IncludeScopes=true",
            "--Logging:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics=Information",
        ]);
        await server.LineAsync(l => l.Contains("SmartLock is up", StringComparison.Ordinal), "the server is up");
        using var http = new HttpClient { BaseAddress = new Uri(url) };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/health/live");
        request.Headers.Add("traceparent", $"00-{Trace}-00f067aa0ba902b7-01");

        using var answer = await http.SendAsync(request);

        await server.LineAsync(l => l.Contains($"\"TraceId\":\"{Trace}\"", StringComparison.Ordinal), "a line of the request");
        server.Lines.ShouldAllBe(l => System.Text.Json.JsonDocument.Parse(l, default).RootElement.ValueKind == System.Text.Json.JsonValueKind.Object);
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
        var (other, answer) = await RunAsync(["audit", "verify", "--device-id=D2", .. Settings()]);

        (other, answer).ShouldBe((nothing, question), "the option is one with an equals sign too, and no setting");
        nothing.ShouldBe(1, question);
        question.ShouldContain("Data:Folder");
    }

    /// <summary>One line says it, and no stack trace stands around it.</summary>
    private static string SentenceIn(string output)
    {
        output.ShouldNotContain("   at ");
        output.ShouldNotContain("Exception");
        return output.Split('\n').Where(l => l.StartsWith("SmartLock cannot start: ", StringComparison.Ordinal)).ShouldHaveSingleItem();
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
