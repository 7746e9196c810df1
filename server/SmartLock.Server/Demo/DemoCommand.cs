using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Demo;

/// <summary>
/// The main job on one machine: the server, its broker and two virtual locks that connect over TCP like any other, with everything in a
/// folder of its own that is removed at the end.
/// </summary>
internal static class DemoCommand
{
    private const int HttpPort = 8000;
    private const int MqttPort = 1883;
    private const string PasswordAlphabet = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    private static readonly TimeSpan StartWithin = TimeSpan.FromSeconds(30);

    /// <param name="settings">Configuration that goes before the demo's own, such as <c>--Urls=http://127.0.0.1:9000</c>.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] settings, CancellationToken ct)
    {
        if (settings.FirstOrDefault(IsAboutData) is { } refused)
        {
            throw new StartupException(
                $"The demo keeps nothing and touches nothing that is kept: leave {refused[2..refused.IndexOf('=', StringComparison.Ordinal)]} away, or run 'serve' with it.");
        }

        var folder = Directory.CreateTempSubdirectory("smartlock-demo-").FullName;
        try
        {
            return await RunInAsync(folder, settings, ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // Ctrl-C before everything was up.
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<int> RunInAsync(string folder, string[] settings, CancellationToken ct)
    {
        var observerPassword = NewPassword();
        string[] arguments =
        [
            $"--Urls=http://127.0.0.1:{FreePort(HttpPort)}",
            $"--Data:Folder={folder}",
            // What the environment names for a real server is not the demo's.
            "--Storage:Provider=Sqlite",
            "--Storage:Sqlite:File=",
            "--Mqtt:Address=127.0.0.1",
            $"--Mqtt:Port={FreePort(MqttPort)}",
            "--Logging:LogLevel:Default=Warning",
            .. settings,
        ];
        await using var app = SmartLockServer.Create(arguments, builder => builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            // Not an argument: those are readable by every user of the machine.
            ["Mqtt:Observers:0:Name"] = "observer",
            ["Mqtt:Observers:0:Password"] = observerPassword,
        }));
        await app.StartAsync(ct);
        var http = HttpEndpoints.AddressOf(app.Services);
        var mqtt = app.Services.GetRequiredService<MqttListener>().EndPoint ?? throw new StartupException("The demo needs a plain MQTT listener: leave Mqtt:Port and Mqtt:Mode alone.");

        await using var household = await Household.MoveInAsync(http, mqtt, NewPassword(), StartWithin, ct);
        await Console.Out.WriteLineAsync(DemoText.Of(http, mqtt, household, observerPassword, folder));
        await WaitForCancellationAsync(ct);
        await Console.Out.WriteLineAsync("Stopping.");
        await household.DisposeAsync();
        await app.StopAsync(CancellationToken.None);
        return 0;
    }

    private static bool IsAboutData(string setting) =>
        setting.StartsWith("--Data:", StringComparison.OrdinalIgnoreCase) || setting.StartsWith("--Storage:", StringComparison.OrdinalIgnoreCase);

    private static string NewPassword() => RandomNumberGenerator.GetString(PasswordAlphabet, 16);

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

    private static async Task WaitForCancellationAsync(CancellationToken ct) =>
        await Task.Delay(Timeout.InfiniteTimeSpan, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
