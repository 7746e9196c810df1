using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Tests.Broker;
using SmartLock.Testing;

namespace SmartLock.Mqtt.Tests.Hostile;

/// <summary>What somebody may do at the TLS port before the broker sees a connection. On real sockets, since the handshake is Kestrel's.</summary>
public sealed class HandshakeTests
{
    private const int Most = 5;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Who_never_begins_a_handshake_pushes_out_its_own_like_and_keeps_nobody_out()
    {
        using var certificate = LoopbackCertificate.Create();
        await using var host = await KestrelBroker.StartAsync(
            new TestAccess(),
            options => options.MaxConnectingPerAddress = Most,
            endpoint => endpoint.UseMqttOverTls(new() { ServerCertificate = certificate }));
        await using var early = await ConnectAsync(host, certificate, "early");
        var silent = new List<Socket>();
        for (var i = 0; i < 4 * Most; i++)
        {
            silent.Add(await OpenAsync(host));
        }

        foreach (var pushedOut in silent.Take(3 * Most))
        {
            (await EndOfAsync(pushedOut)).ShouldBeTrue();
        }

        await using var late = await ConnectAsync(host, certificate, "late");
        host.Broker.GetStatistics().Connections.ShouldBe(2);
        silent.ForEach(s => s.Dispose());
    }

    [Fact]
    public async Task A_handshake_that_is_not_finished_ends_with_the_time_for_a_login()
    {
        using var certificate = LoopbackCertificate.Create();
        await using var host = await KestrelBroker.StartAsync(
            new TestAccess(),
            options => options.ConnectTimeout = TimeSpan.FromMilliseconds(300),
            endpoint => endpoint.UseMqttOverTls(new() { ServerCertificate = certificate }));
        using var silent = await OpenAsync(host);
        (await EndOfAsync(silent)).ShouldBeTrue();
    }

    private static async Task<Socket> OpenAsync(KestrelBroker host)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync("127.0.0.1", host.MqttPort);
        return socket;
    }

    private static async Task<SslStream> ConnectAsync(KestrelBroker host, X509Certificate2 certificate, string clientId)
    {
        var tls = new SslStream(
            new NetworkStream(await OpenAsync(host), ownsSocket: true),
            leaveInnerStreamOpen: false,
            (_, shown, _, _) => shown?.GetCertHashString() == certificate.Thumbprint);
        await tls.AuthenticateAsClientAsync("localhost").WaitAsync(Patience);
        (await StreamClient.Over(tls).ConnectAsync(TestBroker.Connect(clientId))).ReasonCode.ShouldBe(MqttReasonCode.Success);
        return tls;
    }

    /// <summary>Whether the broker closes it, and says nothing.</summary>
    private static async Task<bool> EndOfAsync(Socket socket)
    {
        var buffer = new byte[1];
        try
        {
            return await socket.ReceiveAsync(buffer).WaitAsync(Patience) == 0;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset)
        {
            return true;
        }
    }
}
