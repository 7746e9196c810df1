using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using SmartLock.Server.Infrastructure;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Storage;

/// <summary>The keys beside a SQLite store: none is made beside data that were written under another.</summary>
public sealed class KeyFileTests : IDisposable
{
    private const string OtherKey = "W0Sxrp2oNyGZl4kq7cMvAfT1uJbE9dQ5hXz3iR8LKgY=";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly string Server = Path.Combine(AppContext.BaseDirectory, "SmartLock.Server.dll");

    private readonly string _folder = Path.Combine(Directory.CreateTempSubdirectory("smartlock-keys-").FullName, "data");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_folder)!, recursive: true);

    [Theory]
    [InlineData("audit.key", "Audit:Key")]
    [InlineData("jwt-signing.key", "Jwt:SigningKey")]
    [InlineData("keys", "keys")]
    [InlineData("keys/key-", "key-")]
    public async Task A_key_that_is_missing_beside_old_data_ends_the_start_with_its_name_and_none_is_made(string lost, string setting)
    {
        await WriteAsync();
        var (path, away) = Take(lost);
        var before = Files();

        var failure = await Should.ThrowAsync<StartupException>(StartAsync);

        failure.Message.ShouldContain(path);
        failure.Message.ShouldContain(setting);
        failure.Message.ShouldContain("restore");
        Files().ShouldBe(before);
        Directory.Move(away, path);
        await using var app = await StartAsync();
        await app.SignInAsync("ada");
    }

    [Theory]
    [InlineData("audit verify", "audit.key")]
    [InlineData("audit verify", "keys")]
    [InlineData("admin create boss", "audit.key")]
    [InlineData("device logins", "keys")]
    [InlineData("device add D9 --owner=ada --name=Door", "keys")]
    public async Task Commands_say_the_same(string command, string lost)
    {
        await WriteAsync();
        var (path, _) = Take(lost);
        var before = Files();

        var (code, output) = await RunAsync(command, TestApp.Password + "\n");

        code.ShouldBe(ExitCodes.Configuration, output);
        output.ShouldContain(path);
        Files().ShouldBe(before);
    }

    [Fact]
    public async Task A_store_is_not_opened_with_another_audit_key()
    {
        await WriteAsync();

        var failure = await Should.ThrowAsync<StartupException>(() => StartAsync($"--Audit:Key={OtherKey}"));

        failure.Message.ShouldContain("audit.key");
    }

    [Fact]
    public async Task A_store_of_a_version_that_kept_no_word_of_its_keys_is_not_opened_with_another_either()
    {
        await WriteAsync();
        Audit.Tampering.Run(Path.Combine(_folder, "smartlock.db"), "DELETE FROM key_checks");

        await Should.ThrowAsync<StartupException>(() => StartAsync($"--Audit:Key={OtherKey}"));
        await using var app = await StartAsync();
        await app.SignInAsync("ada");
    }

    [Fact]
    public async Task Without_data_that_were_written_under_it_a_key_is_made()
    {
        await using (await StartAsync())
        {
            // No account, no lock, no session.
        }

        foreach (var name in new[] { "audit.key", "jwt-signing.key" })
        {
            File.Delete(Path.Combine(_folder, name));
        }

        Directory.Delete(Path.Combine(_folder, "keys"), recursive: true);
        await WriteAsync();
        await using var app = await StartAsync();
        await app.SignInAsync("ada");
    }

    [Theory]
    [InlineData("--help", ExitCodes.Ok)]
    [InlineData("--version", ExitCodes.Ok)]
    [InlineData("audit verify", ExitCodes.Failed)]
    [InlineData("device logins", ExitCodes.Failed)]
    [InlineData("audit verify --help", ExitCodes.Ok)]
    public async Task What_only_reads_makes_nothing_where_there_is_nothing(string command, int expected)
    {
        var (code, output) = await RunAsync(command);

        code.ShouldBe(expected, output);
        Directory.Exists(_folder).ShouldBeFalse();
    }

    [Theory]
    [InlineData("audit verify")]
    [InlineData("device logins")]
    public async Task What_only_reads_changes_no_file(string command)
    {
        await WriteAsync();
        var before = Contents();

        var (code, output) = await RunAsync(command);

        code.ShouldBe(0, output);
        Contents().ShouldBe(before);
    }

    [Fact]
    public async Task What_only_reads_does_not_bring_an_older_store_up_to_date()
    {
        await WriteAsync();
        Audit.Tampering.Run(Path.Combine(_folder, "smartlock.db"), "DELETE FROM key_checks WHERE name = 'none' OR 1; PRAGMA user_version = 3;");

        var (code, output) = await RunAsync("audit verify");

        code.ShouldBe(ExitCodes.Configuration, output);
        output.ShouldContain("start the server once");
    }

    [Theory]
    [InlineData("--Urls=http://127.0.0.1:{0}")]
    [InlineData("--Mqtt:Port={0}")]
    [InlineData("--Accounts:PasswordIterations=1")]
    [InlineData("--Jwt:SigningKey=c2hvcnQ=")]
    [InlineData("--Mqtt:CertificateFile=/nowhere")]
    public async Task A_start_that_fails_leaves_no_keys_behind(string setting)
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var wrong = string.Format(CultureInfo.InvariantCulture, setting, ((IPEndPoint)other.LocalEndpoint).Port);

        var (code, output) = await RunAsync("serve " + wrong + (setting.Contains("Port", StringComparison.Ordinal) ? " --Mqtt:Address=127.0.0.1" : ""));

        code.ShouldNotBe(0, output);
        output.ShouldContain("SmartLock cannot start");
        Directory.Exists(_folder).ShouldBeFalse();
    }

    /// <summary>An account with a session and a lock, whose key is encrypted.</summary>
    private async Task WriteAsync()
    {
        await using var app = await StartAsync();
        var owner = await app.OwnerAsync("ada");
        using var registered = await owner.Http.PostAsJsonAsync("/api/locks", new { device_id = "D1", name = "Door" });
        registered.StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    private Task<TestApp> StartAsync() => TestApp.StartAsync($"--Data:Folder={_folder}");

    private Task<TestApp> StartAsync(string setting) => TestApp.StartAsync($"--Data:Folder={_folder}", setting);

    /// <summary>Out of the data folder.</summary>
    private (string Path, string Away) Take(string lost)
    {
        var path = lost.EndsWith('-') ? Directory.GetFiles(Path.Combine(_folder, "keys"), "key-*.xml").Single() : Path.Combine(_folder, lost);
        var away = Path.Combine(Path.GetDirectoryName(_folder)!, "away");
        Directory.Move(path, away);
        if (lost.EndsWith('-'))
        {
            // Another one is there: only the one that was lost can tell.
            File.WriteAllText(Path.Combine(_folder, "keys", $"key-{Guid.NewGuid()}.xml"), "<key/>");
        }

        return (path, away);
    }

    private string[] Files() => [.. Directory.EnumerateFileSystemEntries(_folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    private string[] Contents() =>
        [.. Files().Select(file => File.Exists(file) ? $"{file} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file)))}" : file)];

    private async Task<(int Code, string Output)> RunAsync(string command, string? input = null)
    {
        string[] settings = command.StartsWith("serve", StringComparison.Ordinal) ? ["--Urls=http://127.0.0.1:0", "--Mqtt:Port=0"] : [];
        await using var program = ExternalProgram.Start("dotnet", [Server, $"--Data:Folder={_folder}", .. settings, .. command.Split(' ')], input);
        var code = await program.ExitAsync(Patience);
        return (code, program.Output);
    }
}
