using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;

namespace SmartLock.Benchmarks;

/// <summary>The whole server in a process of its own, with the settings it has by itself but for ports, folder, limits of rate and the log.</summary>
internal sealed class ServerHost : IAsyncDisposable
{
    private ServerHost(ChildProcess process, Uri address, int mqttPort)
    {
        Process = process;
        Address = address;
        MqttPort = mqttPort;
    }

    public ChildProcess Process { get; }

    public Uri Address { get; }

    public int MqttPort { get; }

    /// <param name="folder">The server's data folder; may hold a database already.</param>
    /// <param name="settings">As on the server's own command line: <c>--Mqtt:MaxConnections=30000</c>.</param>
    public static async Task<ServerHost> StartAsync(string folder, params string[] settings)
    {
        var (process, line) = await ChildProcess.StartOwnAsync(["server-host", $"--Data:Folder={folder}", .. settings]);
        var parts = line.Split(' ');
        return new ServerHost(process, new Uri(parts[0]), int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <summary>The verb <c>server-host</c>: what <see cref="StartAsync"/> starts.</summary>
    public static async Task<int> RunAsync(string[] settings)
    {
        await using var app = SmartLockServer.Create(
        [
            "--Urls=http://127.0.0.1:0",
            "--Mqtt:Address=127.0.0.1",
            "--Mqtt:Port=0",
            "--RateLimits:Commands:PermitsPerMinute=1000000",
            "--RateLimits:Reads:PermitsPerMinute=100000000",
            "--Logging:LogLevel:Default=Warning",
            .. settings,
        ]);
        await app.StartAsync();
        Console.WriteLine($"{HttpEndpoints.AddressOf(app.Services)} {app.Services.GetRequiredService<MqttListener>().EndPoint!.Port}");
        await Console.In.ReadToEndAsync();
        await app.StopAsync();
        return 0;
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();
}
