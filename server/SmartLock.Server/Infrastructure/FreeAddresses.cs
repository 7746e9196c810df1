using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace SmartLock.Server.Infrastructure;

/// <summary>Addresses that this process is to listen on; a feature adds its own. Port 0 is any, and free by itself.</summary>
internal sealed record WantedAddress(Func<IEnumerable<IPEndPoint>> EndPoints);

/// <summary>
/// A start that fails because another program has an address is to fail before keys and a database are made. Another program may still take the address
/// between this and the server's own listening, which then says the same.
/// </summary>
internal sealed class FreeAddresses(IConfiguration configuration, IEnumerable<WantedAddress> wanted) : IHostedLifecycleService
{
    /// <exception cref="IOException">An address is in use, in the words that Kestrel has for it.</exception>
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        foreach (var endPoint in HttpEndpoints.Parse(configuration).SelectMany(EndPointsOf).Concat(wanted.SelectMany(w => w.EndPoints())))
        {
            if (endPoint.Port != 0)
            {
                Try(endPoint);
            }
        }

        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Of localhost and * one is enough: whether a machine has IPv6 is for Kestrel to find out.</summary>
    private static IEnumerable<IPEndPoint> EndPointsOf(BindingAddress address)
    {
        if (address.IsUnixPipe)
        {
            return [];
        }

        var ip = IPAddress.TryParse(address.Host, out var parsed) ? parsed : address.Host == "localhost" ? IPAddress.Loopback : IPAddress.Any;
        return [new IPEndPoint(ip, address.Port)];
    }

    private static void Try(IPEndPoint endPoint)
    {
        using var probe = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            probe.Bind(endPoint);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new IOException($"Failed to bind to address {endPoint}: address already in use.", new AddressInUseException(e.Message, e));
        }
        catch (SocketException)
        {
            // What else is wrong with the address, Kestrel says better.
            return;
        }
    }
}
