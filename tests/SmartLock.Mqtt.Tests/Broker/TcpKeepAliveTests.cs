using System.Collections.Concurrent;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using SmartLock.Mqtt.Broker;

namespace SmartLock.Mqtt.Tests.Broker;

/// <summary>
/// What the system is told of a connection's socket: the rest is the system's, and a peer that vanishes without a trace needs a network of its own.
/// </summary>
public sealed class TcpKeepAliveTests
{
    private readonly ConcurrentQueue<Socket> _accepted = new();

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task The_system_looks_after_a_tcp_connection(MqttProtocolVersion version)
    {
        await using var host = await KestrelBroker.StartAsync(new TestAccess(), listen: Watch);
        var client = await host.OpenTcpAsync();
        await client.ConnectAsync(TestBroker.Connect("c", version) with { KeepAlive = 0 });
        OptionsOf(_accepted.Single()).ShouldBe((true, 120, 30, 4));
    }

    [Fact]
    public async Task The_system_looks_after_a_tls_connection()
    {
        using var certificate = Certificates.Make();
        await using var host = await KestrelBroker.StartAsync(new TestAccess(), o => o.TcpKeepAlive = TimeSpan.FromSeconds(40), listen: endpoint =>
        {
            Watch(endpoint);
            endpoint.UseMqttOverTls(new HttpsConnectionAdapterOptions { ServerCertificate = certificate });
        });
        using var tcp = new TcpClient();
        await tcp.ConnectAsync("127.0.0.1", host.MqttPort);
        await using var tls = new SslStream(tcp.GetStream(), leaveInnerStreamOpen: false, (_, shown, _, _) => shown?.GetCertHashString() == certificate.Thumbprint);
        await tls.AuthenticateAsClientAsync("localhost");
        await StreamClient.Over(tls).ConnectAsync(TestBroker.Connect("c"));
        OptionsOf(_accepted.Single()).ShouldBe((true, 40, 10, 4));
    }

    [Fact]
    public async Task The_system_looks_after_a_websocket()
    {
        await using var host = await KestrelBroker.StartAsync(new TestAccess(), o => o.TcpKeepAlive = TimeSpan.FromSeconds(1), listenWeb: Watch);
        using var socket = await host.OpenWebSocketAsync();
        socket.State.ShouldBe(WebSocketState.Open);
        OptionsOf(_accepted.Single()).ShouldBe((true, 1, 1, 4));
    }

    [Fact]
    public async Task Sockets_are_left_as_the_host_makes_them_where_that_is_wanted()
    {
        await using var host = await KestrelBroker.StartAsync(new TestAccess(), o => o.TcpKeepAlive = TimeSpan.Zero, Watch, Watch);
        var client = await host.OpenTcpAsync();
        await client.ConnectAsync(TestBroker.Connect("c"));
        using var socket = await host.OpenWebSocketAsync();
        _accepted.Select(s => OptionsOf(s).IsOn).ShouldBe([false, false]);
    }

    private static (bool IsOn, int Time, int Interval, int Probes) OptionsOf(Socket socket) =>
    (
        (int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive)! != 0,
        (int)socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime)!,
        (int)socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval)!,
        (int)socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount)!);

    private void Watch(ListenOptions endpoint) => endpoint.Use(next => connection =>
    {
        _accepted.Enqueue(connection.Features.Get<IConnectionSocketFeature>()!.Socket);
        return next(connection);
    });
}
