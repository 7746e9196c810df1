using System.Collections.Concurrent;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Tests.Packets;
using SmartLock.Testing;

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
        using var certificate = LoopbackCertificate.Create();
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
    public async Task A_websocket_whose_client_does_not_answer_pings_is_gone_and_one_that_reads_stays()
    {
        var access = new TestAccess();
        await using var host = await KestrelBroker.StartAsync(access, o => o.TcpKeepAlive = TimeSpan.FromSeconds(1));
        var gone = new TaskCompletionSource();
        using var wills = host.Broker.Subscribe("wills", (in InboundMessage _) => gone.SetResult());
        using var reader = await host.OpenWebSocketAsync();
        await reader.SendAsync(Wire.Bytes(TestBroker.Connect("reader", MqttProtocolVersion.V311).WriteTo), WebSocketMessageType.Binary, endOfMessage: true, default);
        // It answers pings as long as it waits for something.
        await reader.ReceiveAsync(new byte[100], default);
        var waits = reader.ReceiveAsync(new byte[100], default);

        // Its own keep-alive is none, and none can be set for it.
        using var mute = await host.OpenWebSocketAsync();
        var connect = TestBroker.Connect("mute", MqttProtocolVersion.V311) with { KeepAlive = 0, Will = new MqttWill("wills", default) };
        await mute.SendAsync(Wire.Bytes(connect.WriteTo), WebSocketMessageType.Binary, endOfMessage: true, default);
        await gone.Task.WaitAsync(TimeSpan.FromSeconds(30));
        waits.IsCompleted.ShouldBeFalse();
        host.Broker.IsConnected("device").ShouldBeTrue();
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
