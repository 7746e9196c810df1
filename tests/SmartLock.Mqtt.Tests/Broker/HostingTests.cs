using System.Buffers;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Packets;
using SmartLock.Testing;

namespace SmartLock.Mqtt.Tests.Broker;

public sealed class HostingTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task It_speaks_over_tcp()
    {
        await using var host = await KestrelBroker.StartAsync(new TestAccess());
        var subscriber = await host.OpenTcpAsync();
        var publisher = await host.OpenTcpAsync();
        (await subscriber.ConnectAsync(TestBroker.Connect("s"))).ReasonCode.ShouldBe(MqttReasonCode.Success);
        (await publisher.ConnectAsync(TestBroker.Connect("p", MqttProtocolVersion.V311))).ReasonCode.ShouldBe(MqttReasonCode.Success);
        await subscriber.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        await publisher.PublishAsync("a", "x", MqttQoS.AtLeastOnce);
        (await publisher.ReadAsync()).Ack(MqttPacketType.PubAck);
        (await subscriber.TakeAsync()).Payload.ShouldBe("x");
    }

    [Fact]
    public async Task It_speaks_over_tls_and_knows_the_clients_certificate()
    {
        using var certificate = LoopbackCertificate.Create();
        X509Certificate2? shown = null;
        var access = new TestAccess();
        var inner = access.Authenticate;
        access.Authenticate = (request, ct) =>
        {
            shown = request.Certificate;
            return inner(request, ct);
        };
        await using var host = await KestrelBroker.StartAsync(access, listen: endpoint =>
        {
            var tls = new HttpsConnectionAdapterOptions { ServerCertificate = certificate, ClientCertificateMode = ClientCertificateMode.RequireCertificate };
            tls.AllowAnyClientCertificate();
            endpoint.UseMqttOverTls(tls);
        });
        using var tcp = new TcpClient();
        await tcp.ConnectAsync("127.0.0.1", host.MqttPort);
        await using var tls = new SslStream(tcp.GetStream(), leaveInnerStreamOpen: false, (_, shownByHost, _, _) => shownByHost?.GetCertHashString() == certificate.Thumbprint);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", ClientCertificates = [certificate] });
        var client = StreamClient.Over(tls);
        (await client.ConnectAsync(TestBroker.Connect("c"))).ReasonCode.ShouldBe(MqttReasonCode.Success);
        await client.ShouldHaveNothingAsync();
        shown!.Thumbprint.ShouldBe(certificate.Thumbprint);
    }

    [Fact]
    public async Task It_speaks_over_websocket_whose_frames_hold_parts_of_packets_or_several()
    {
        await using var host = await KestrelBroker.StartAsync(new TestAccess());
        using var socket = await host.OpenWebSocketAsync();
        socket.SubProtocol.ShouldBe("mqtt");
        var output = new ArrayBufferWriter<byte>();
        TestBroker.Connect("w").WriteTo(output);
        new SubscribePacket(1, [new MqttSubscription("a")]).WriteTo(output, MqttProtocolVersion.V500);
        new OutgoingPublish { Topic = "a"u8, Payload = "x"u8 }.WriteTo(output, MqttProtocolVersion.V500);
        var bytes = output.WrittenMemory;
        foreach (var part in new[] { bytes[..3], bytes[3..10], bytes[10..] })
        {
            await socket.SendAsync(part, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
        }

        var received = await ReceiveAsync(socket, MqttPacketType.ConnAck, MqttPacketType.SubAck, MqttPacketType.Publish);
        received[^1].ShouldBe((byte)'x');
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).WaitAsync(Patience);
    }

    [Fact]
    public async Task A_websocket_text_frame_ends_the_connection()
    {
        await using var host = await KestrelBroker.StartAsync(new TestAccess());
        using var socket = await host.OpenWebSocketAsync();
        await socket.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        var result = await socket.ReceiveAsync(new byte[64], CancellationToken.None).WaitAsync(Patience);
        result.MessageType.ShouldBe(WebSocketMessageType.Close);
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task A_refused_connect_over_websocket_is_answered_and_closed_in_order(MqttProtocolVersion version)
    {
        var access = new TestAccess();
        await using var host = await KestrelBroker.StartAsync(access);
        for (var i = 0; i < 10; i++)
        {
            using var socket = await host.OpenWebSocketAsync();
            var output = new ArrayBufferWriter<byte>();
            (TestBroker.Connect("w", version) with { UserName = null }).WriteTo(output);
            await socket.SendAsync(output.WrittenMemory, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);

            // More on its way: what is not read must not turn the close into a reset that takes the answer along.
            await socket.SendAsync(new byte[10_000], WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
            await ReceiveAsync(socket, MqttPacketType.ConnAck);
            var closing = await socket.ReceiveAsync(new byte[64], CancellationToken.None).WaitAsync(Patience);
            closing.MessageType.ShouldBe(WebSocketMessageType.Close);
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).WaitAsync(Patience);
            socket.State.ShouldBe(WebSocketState.Closed);
        }
    }

    [Fact]
    public async Task A_websocket_that_is_never_closed_by_its_client_is_cut()
    {
        await using var host = await KestrelBroker.StartAsync(new TestAccess(), o => o.DrainTimeout = TimeSpan.FromMilliseconds(100));
        using var socket = await host.OpenWebSocketAsync();
        var output = new ArrayBufferWriter<byte>();
        (TestBroker.Connect("w") with { UserName = null }).WriteTo(output);
        await socket.SendAsync(output.WrittenMemory, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
        await ReceiveAsync(socket, MqttPacketType.ConnAck);
        await host.StopAsync().WaitAsync(Patience);
        host.Broker.Core.Deadlines.Count.ShouldBe(0);
    }

    [Fact]
    public async Task A_websocket_without_the_sub_protocol_is_refused()
    {
        await using var host = await KestrelBroker.StartAsync(new TestAccess());
        await Should.ThrowAsync<WebSocketException>(() => host.OpenWebSocketAsync(protocol: null));
    }

    [Fact]
    public async Task Stopping_the_application_says_goodbye_to_v5_and_closes_v3()
    {
        await using var host = await KestrelBroker.StartAsync(new TestAccess());
        var v5 = await host.OpenTcpAsync();
        var v3 = await host.OpenTcpAsync();
        await v5.ConnectAsync(TestBroker.Connect("five"));
        await v3.ConnectAsync(TestBroker.Connect("three", MqttProtocolVersion.V311));
        var stopped = host.StopAsync();
        (await v5.ReadDisconnectAsync()).ShouldBe(MqttReasonCode.ServerShuttingDown);
        (await v3.ReadDisconnectAsync()).ShouldBeNull();
        await stopped.WaitAsync(Patience);
        host.Broker.GetStatistics().Connections.ShouldBe(0);
    }

    [Fact]
    public async Task A_client_that_does_not_take_its_goodbye_is_cut()
    {
        await using var host = await KestrelBroker.StartAsync(new TestAccess(), o => o.DrainTimeout = TimeSpan.FromMilliseconds(200));
        var stuck = await host.OpenTcpAsync();
        await stuck.ConnectAsync(TestBroker.Connect("c"));
        await stuck.SubscribeAsync("a");
        while (host.Broker.GetStatistics().Dropped[SmartLock.Mqtt.Broker.MqttDropReason.SlowReader] < 10)
        {
            host.Broker.Publish("a", new byte[60_000]);
            await Task.Yield();
        }

        var young = await host.OpenTcpAsync();
        await young.ConnectAsync(TestBroker.Connect("c"));
        await host.StopAsync().WaitAsync(Patience);
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 1)]
    public async Task A_transport_that_stays_open_after_the_goodbye_is_cut(bool closedInTime, int expected)
    {
        await using var broker = new TestBroker(o => o.DrainTimeout = TimeSpan.FromSeconds(2));
        using var closed = new CancellationTokenSource();
        var aborted = 0;
        broker.Broker.Core.Connections.AbortUnlessClosed(() => aborted++, closed.Token);
        broker.Clock.Advance(TimeSpan.FromSeconds(1));
        if (closedInTime)
        {
            await closed.CancelAsync();
        }

        broker.Clock.Advance(TimeSpan.FromSeconds(1));
        aborted.ShouldBe(expected);
        broker.Broker.Core.Deadlines.Count.ShouldBe(0);
    }

    [Fact]
    public async Task Without_an_authenticator_nobody_connects()
    {
        await using var host = await KestrelBroker.StartAsync(access: null);
        var client = await host.OpenTcpAsync();
        (await client.ConnectAsync(TestBroker.Connect("c"))).ReasonCode.ShouldBe(MqttReasonCode.NotAuthorized);
        (await client.TryReadAsync()).ShouldBeNull();
    }

    private static async Task<byte[]> ReceiveAsync(ClientWebSocket socket, params MqttPacketType[] expected)
    {
        var all = new List<byte>();
        var types = new List<MqttPacketType>();
        byte[] last = [];
        var buffer = new byte[4096];
        while (types.Count < expected.Length)
        {
            var result = await socket.ReceiveAsync(buffer, CancellationToken.None).WaitAsync(Patience);
            result.MessageType.ShouldBe(WebSocketMessageType.Binary);
            all.AddRange(buffer.AsSpan(0, result.Count));
            var rest = new ReadOnlySequence<byte>(all.ToArray());
            while (MqttFrame.TryRead(ref rest, uint.MaxValue, out var header, out var body))
            {
                types.Add(MqttFrame.TypeOf(header));
                last = body.ToArray();
            }

            all = [.. rest.ToArray()];
        }

        types.ShouldBe(expected);
        return last;
    }
}
