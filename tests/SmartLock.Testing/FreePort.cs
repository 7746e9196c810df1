using System.Net;
using System.Net.Sockets;

namespace SmartLock.Testing;

public static class FreePort
{
    /// <summary>A loopback TCP port that nobody listened on just now: for programs that cannot pick one themselves.</summary>
    public static int Next()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
