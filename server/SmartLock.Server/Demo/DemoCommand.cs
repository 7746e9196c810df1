using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Demo;

/// <summary>
/// The server and its broker with a database in a temporary folder, which is deleted at the end, and two virtual locks that connect
/// over TCP as real ones do.
/// </summary>
internal static class DemoCommand
{
    private const int HttpPort = 8000;
    private const int MqttPort = 1883;
    private const string PasswordAlphabet = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    /// <param name="settings">Configuration that goes before the demo's own, such as <c>--Urls=http://127.0.0.1:9000</c>.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] settings, CancellationToken ct)
    {
        if (DemoAssembly.Find() is not { } demo)
        {
            await Console.Error.WriteLineAsync(
                "The demo is not part of the published server: run it from the source tree with 'dotnet run --project server/SmartLock.Server -- demo'.");
            return ExitCodes.Failed;
        }

        if (settings.FirstOrDefault(IsAboutData) is { } refused)
        {
            throw new StartupException(
                $"The demo stores its data in a temporary folder: leave {refused[2..refused.IndexOf('=', StringComparison.Ordinal)]} away, or run 'serve' with it.");
        }

        TemporaryFolder.Check();
        var folder = Directory.CreateTempSubdirectory("smartlock-demo-").FullName;
        try
        {
            return await RunInAsync(folder, settings, demo, ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // Ctrl-C before everything was up.
            return ExitCodes.Ok;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<int> RunInAsync(string folder, string[] settings, DemoRun demo, CancellationToken ct)
    {
        var observerPassword = RandomNumberGenerator.GetString(PasswordAlphabet, 16);
        string[] arguments =
        [
            $"--Urls=http://127.0.0.1:{FreePort(HttpPort)}",
            $"--Data:Folder={folder}",
            // The environment may name the store of a real server.
            "--Storage:Provider=Sqlite",
            "--Storage:Sqlite:File=",
            "--Mqtt:Address=127.0.0.1",
            $"--Mqtt:Port={FreePort(MqttPort)}",
            "--Logging:LogLevel:Default=Warning",
            .. settings,
        ];
        await using var app = SmartLockServer.Create(arguments, builder => builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            // Not an argument: every user of the machine can read those.
            ["Mqtt:Observers:0:Name"] = "observer",
            ["Mqtt:Observers:0:Password"] = observerPassword,
        }));
        if (!await app.TryStartAsync(ct))
        {
            return ExitCodes.Ok;
        }

        var http = HttpEndpoints.AddressOf(app.Services);
        var mqtt = app.Services.GetRequiredService<MqttListener>().EndPoint ?? throw new StartupException("The demo needs a plain MQTT listener: leave Mqtt:Port and Mqtt:Mode alone.");

        if (mqtt.Address.Equals(IPAddress.Any) || mqtt.Address.Equals(IPAddress.IPv6Any))
        {
            // With --Mqtt:Address=0.0.0.0, which nobody can connect to.
            mqtt = new IPEndPoint(IPAddress.Loopback, mqtt.Port);
        }

        await demo(http, mqtt, observerPassword, folder, ct);
        await app.StopAsync(CancellationToken.None);
        return ExitCodes.Ok;
    }

    private static bool IsAboutData(string setting) =>
        setting.StartsWith("--Data:", StringComparison.OrdinalIgnoreCase) || setting.StartsWith("--Storage:", StringComparison.OrdinalIgnoreCase);

    /// <summary>The usual port, or any free one when somebody has it already.</summary>
    private static int FreePort(int usual)
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            probe.Bind(new IPEndPoint(IPAddress.Loopback, usual));
        }
        catch (SocketException)
        {
            probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        }

        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }
}
