using System.Net;
using System.Net.Sockets;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Cli;

/// <summary>For a container's health check, in an image that has no other program to ask with.</summary>
internal static class HealthCommand
{
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(4);

    /// <returns>0 ready; 1 not ready, or nothing answers.</returns>
    public static async Task<int> RunAsync(string[] settings, CancellationToken ct)
    {
        if (FindAddress(settings) is not { } address)
        {
            await Console.Error.WriteLineAsync("The server has no address of plain HTTP that it could be asked at: see the settings Urls and PORT.");
            return ExitCodes.Configuration;
        }

        using var handler = new SocketsHttpHandler { UseProxy = false };
        if (address.IsUnixPipe)
        {
            handler.ConnectCallback = (_, token) => ConnectAsync(address.UnixPipePath, token);
        }

        using var http = new HttpClient(handler) { Timeout = Within };
        try
        {
            using var answer = await http.GetAsync(UrlOf(address), ct);
            await Console.Out.WriteLineAsync(await answer.Content.ReadAsStringAsync(ct));
            return answer.IsSuccessStatusCode ? ExitCodes.Ok : ExitCodes.Failed;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !ct.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync($"Nothing answers at {UrlOf(address)}: {e.Message}");
            return ExitCodes.Failed;
        }
    }

    /// <summary>From the same places as the server's own configuration, without the rest of it: this runs every few seconds.</summary>
    private static BindingAddress? FindAddress(string[] settings)
    {
        var configuration = new ConfigurationBuilder()
            .SetBasePath(AppContext.BaseDirectory)
            .AddEnvironmentVariables("ASPNETCORE_")
            .AddJsonFile("appsettings.json", optional: true)
            .AddEnvironmentVariables()
            .AddCommandLine(settings)
            .Build();
        return HttpEndpoints.Parse(configuration).FirstOrDefault(a => a.Scheme == "http");
    }

    /// <summary>A server that listens on all addresses is asked at the loopback one.</summary>
    internal static Uri UrlOf(BindingAddress address)
    {
        var host = address.IsUnixPipe || address.Host is "*" or "+" ? "127.0.0.1" : address.Host;
        if (IPAddress.TryParse(host, out var ip))
        {
            host = ip.Equals(IPAddress.Any) ? "127.0.0.1" : ip.Equals(IPAddress.IPv6Any) ? "[::1]" : host;
        }

        return new UriBuilder("http", host, address.IsUnixPipe ? 80 : address.Port, "/health/ready").Uri;
    }

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken ct)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
