using System.Globalization;
using System.Net;
using SmartLock.Testing;

namespace SmartLock.Benchmarks;

/// <summary>The server as an operator starts it, in a process of its own, with the settings it has by itself but for ports, folder, limits of rate and the log.</summary>
internal sealed class ServerHost : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private ServerHost(ChildProcess process, int port, int mqttPort)
    {
        Process = process;
        Address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"));
        MqttPort = mqttPort;
    }

    public ChildProcess Process { get; }

    public Uri Address { get; }

    public int MqttPort { get; }

    /// <param name="folder">The server's data folder; may hold a database already.</param>
    /// <param name="settings">As on the server's own command line: <c>--Mqtt:MaxConnections=30000</c>.</param>
    public static async Task<ServerHost> StartAsync(string folder, params string[] settings)
    {
        var (port, mqttPort) = (FreePort.Next(), FreePort.Next());
        string[] arguments =
        [
            string.Create(CultureInfo.InvariantCulture, $"--Urls=http://127.0.0.1:{port}"),
            "--Mqtt:Address=127.0.0.1",
            string.Create(CultureInfo.InvariantCulture, $"--Mqtt:Port={mqttPort}"),
            $"--Data:Folder={folder}",
            "--RateLimits:Commands:PermitsPerMinute=1000000",
            "--RateLimits:Reads:PermitsPerMinute=10000000",
            "--Logging:LogLevel:Default=Warning",
            .. settings,
        ];
        var process = ChildProcess.Start(Path.Combine(AppContext.BaseDirectory, "SmartLock.Server"), arguments, readsOutput: true);
        process.PassOutputToError();
        var host = new ServerHost(process, port, mqttPort);
        try
        {
            await host.WhenReadyAsync();
            return host;
        }
        catch (TimeoutException)
        {
            await host.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();

    private async Task WhenReadyAsync()
    {
        using var http = new HttpClient { BaseAddress = Address };
        await Eventually.TrueAsync(() => IsReadyAsync(http), "the server is ready").WaitAsync(Patience);
    }

    private static async Task<bool> IsReadyAsync(HttpClient http)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri("/health/ready", UriKind.Relative));
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
