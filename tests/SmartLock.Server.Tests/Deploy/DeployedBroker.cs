using System.Globalization;
using System.Net;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Deploy;

/// <summary>mosquitto with the configuration, the rights and the secrets that docker-compose.yml gives it, on ports of its own.</summary>
internal sealed class DeployedBroker : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _root = Directory.CreateTempSubdirectory("smartlock-deploy-").FullName;
    private ExternalProgram? _mosquitto;

    public int DevicePort { get; } = FreePort.Next();

    public int ServerPort { get; } = FreePort.Next();

    public IPEndPoint Devices => new(IPAddress.Loopback, DevicePort);

    public string Folder => Path.Combine(_root, "server", "deploy");

    public string AuthorityFile => Secret("ca.crt");

    public static bool IsInstalled => Mosquitto.Executable is not null && ExternalProgram.Find("openssl") is not null && ExternalProgram.Find("bash") is not null;

    /// <summary>With the script's output; not running yet.</summary>
    public static async Task<DeployedBroker> PrepareAsync()
    {
        var broker = new DeployedBroker();
        Directory.CreateDirectory(broker.Folder);
        foreach (var name in new[] { "make-secrets", "mosquitto.conf", "mosquitto.acl" })
        {
            File.Copy(Path.Combine(SourceTree.Root, "server", "deploy", name), Path.Combine(broker.Folder, name));
        }

        await broker.MakeSecretsAsync();
        return broker;
    }

    /// <returns>What the script printed.</returns>
    public async Task<string> MakeSecretsAsync()
    {
        await using var script = ExternalProgram.Start("bash", [Path.Combine(Folder, "make-secrets"), "locks.example.org", "192.0.2.7"]);
        (await script.ExitAsync(Patience)).ShouldBe(0, script.Output);
        return script.Output;
    }

    public string Secret(string name) => Path.Combine(Folder, "secrets", name);

    public Task AddLoginAsync(string line) => File.AppendAllTextAsync(Secret("mosquitto/passwd"), line + "\n");

    public async Task StartAsync()
    {
        var conf = (await File.ReadAllTextAsync(Path.Combine(Folder, "mosquitto.conf")))
            .Replace("/mosquitto/secrets/", Secret("mosquitto/"), StringComparison.Ordinal)
            .Replace("/mosquitto/config/", Folder + "/", StringComparison.Ordinal)
            .Replace("/mosquitto/data/", Path.Combine(Folder, "data", "mosquitto") + "/", StringComparison.Ordinal)
            .Replace("listener 8883", $"listener {Number(DevicePort)} 127.0.0.1", StringComparison.Ordinal)
            .Replace("listener 8884", $"listener {Number(ServerPort)} 127.0.0.1", StringComparison.Ordinal);
        var file = Path.Combine(Folder, "mosquitto.test.conf");
        // Run by root it would change to a user who may not read the secrets; in the container it is their owner.
        await File.WriteAllTextAsync(file, conf + "\nuser root\nlog_type information\n");
        _mosquitto = ExternalProgram.Start(Mosquitto.Executable!, ["-c", file]);
        await _mosquitto.LineAsync(l => l.EndsWith("running", StringComparison.Ordinal), "mosquitto is running");
    }

    public async ValueTask DisposeAsync()
    {
        if (_mosquitto is not null)
        {
            await _mosquitto.DisposeAsync();
        }

        Directory.Delete(_root, recursive: true);
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
