using System.Globalization;
using System.Net;
using System.Text.Json;
using SmartLock.Server.Tests.Infrastructure;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Cli;

public sealed class DeviceCommandTests : IDisposable
{
    private const string Password = "correct horse battery";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly string Server = Path.Combine(AppContext.BaseDirectory, "SmartLock.Server.dll");

    private readonly string _folder = Directory.CreateTempSubdirectory("smartlock-cli-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_device_is_prepared_beside_the_running_server_and_claimed_there()
    {
        var url = $"http://127.0.0.1:{FreePort.Next().ToString(CultureInfo.InvariantCulture)}";
        await using var server = ExternalProgram.Start("dotnet", [Server, "serve", .. Settings(), $"--Urls={url}"]);
        await server.LineAsync(l => l.Contains("admin create", StringComparison.Ordinal), "the word that there is no admin yet");

        var (code, output) = await RunAsync(["device", "add", "D1", "--json", "--expires-days=5", .. Settings(), "--Server:PublicUrl=https://locks.example.org"]);

        code.ShouldBe(0, output);
        var added = JsonDocument.Parse(output).RootElement;
        added.GetProperty("key").GetString()!.ShouldMatch("^[0-9a-f]{64}$");
        var pairing = added.GetProperty("pairing");
        pairing.GetProperty("qr").GetString()!.ShouldStartWith("smartlock://pair?v=1&server=https%3A%2F%2Flocks.example.org&device_id=D1&code=");
        (pairing.GetProperty("expires_at").GetDateTimeOffset() - TimeProvider.System.GetUtcNow()).TotalDays.ShouldBe(5, 0.1);

        using var http = new HttpClient { BaseAddress = new Uri(url) };
        (await http.PostTextAsync("/api/auth/register", $$"""{"username":"ada","password":"{{Password}}"}""")).StatusCode.ShouldBe(HttpStatusCode.Created);
        using var login = await http.PostTextAsync("/api/auth/login", $$"""{"username":"ada","password":"{{Password}}"}""");
        http.DefaultRequestHeaders.Authorization = new("Bearer", (await login.JsonAsync()).GetProperty("access_token").GetString());
        using var claim = await http.PostTextAsync("/api/locks/claim", $$"""{"device_id":"D1","code":"{{pairing.GetProperty("code")}}","name":"Hall"}""");
        claim.StatusCode.ShouldBe(HttpStatusCode.Created, await claim.Content.ReadAsStringAsync());

        var (owned, text) = await RunAsync(["device", "add", "D2", "--owner", "ADA", "--name", "Back door", .. Settings()]);
        owned.ShouldBe(0, text);
        text.ShouldContain("Owner:          ada");
        text.ShouldNotContain("Claim code");
        (await http.GetAsync("/api/locks/D2")).StatusCode.ShouldBe(HttpStatusCode.OK);
        server.Interrupt();
        (await server.ExitAsync(Patience)).ShouldBe(0);
    }

    [Fact]
    public async Task A_terminal_shows_the_QR_code_and_redirected_output_does_not()
    {
        string[] command = ["device", "add", "D1", .. Settings(), "--Server:PublicUrl=https://locks.example.org"];

        var (redirected, text) = await RunAsync(command);
        redirected.ShouldBe(0, text);
        text.ShouldContain("QR text:        smartlock://pair?");
        text.ShouldNotContain("█");

        // util-linux's script runs a command on a terminal of its own.
        Assert.SkipUnless(ExternalProgram.Find("script") is not null, "there is no script program to make a terminal");
        command[2] = "D2";
        await using var program = ExternalProgram.Start("script", ["--quiet", "--return", "--command", $"dotnet {Server} {string.Join(' ', command)}", "/dev/null"]);
        (await program.ExitAsync(Patience)).ShouldBe(0, program.Output);
        var lines = program.Output.Split('\n').Select(line => line.TrimEnd('\r')).ToList();
        var qr = lines.Single(line => line.StartsWith("QR text:", StringComparison.Ordinal))["QR text:".Length..].Trim();
        var drawn = lines.Where(line => line.StartsWith("\e[97;40m", StringComparison.Ordinal));
        QrModules.InTerminal(string.Join(Environment.NewLine, drawn)).ShouldBe(QrModules.Of(qr));
    }

    [Fact]
    public async Task What_cannot_be_added_is_said_in_one_sentence_with_an_exit_code()
    {
        var (first, text) = await RunAsync(["device", "add", "D1", .. Settings()]);
        first.ShouldBe(0, text);
        text.ShouldContain("Claim code:");
        text.ShouldContain("QR text:        none, since Server:PublicUrl is not set");

        (await RunAsync(["device", "add", "D1", .. Settings()]))
            .ShouldBe((1, "A lock with the device id D1 is registered already, or a device waits to be claimed."));
        (await RunAsync(["device", "add", "D2", "--owner=nobody", "--name=Hall", .. Settings()]))
            .ShouldBe((1, "There is no account named nobody, or it is disabled."));
        (await RunAsync(["device", "add", "D2", "--owner", "ada", .. Settings()])).ShouldBe((2, "name is required."));
        (await RunAsync(["device", "add", "D2", "--unsigned", .. Settings()]))
            .ShouldBe((2, "unsigned is not allowed on this server (Devices:AllowUnsigned)."));
    }

    private string[] Settings() => [$"--Data:Folder={_folder}", "--Urls=http://127.0.0.1:0", "--Mqtt:Port=0"];

    private static async Task<(int Code, string Output)> RunAsync(string[] arguments)
    {
        await using var program = ExternalProgram.Start("dotnet", [Server, .. arguments]);
        var code = await program.ExitAsync(Patience);
        return (code, program.Output);
    }
}
