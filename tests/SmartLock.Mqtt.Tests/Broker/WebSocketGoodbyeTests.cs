using System.Net.WebSockets;
using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Packets;
using SmartLock.Mqtt.Tests.Packets;

namespace SmartLock.Mqtt.Tests.Broker;

/// <summary>Over WebSocket too, DISCONNECT discards the will, and a connection that ends without one publishes it.</summary>
public sealed class WebSocketGoodbyeTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly MqttWill Will = new("will", "gone"u8.ToArray());

    [Theory]
    [InlineData(MqttProtocolVersion.V311, true, 0)]
    [InlineData(MqttProtocolVersion.V500, true, 0)]
    [InlineData(MqttProtocolVersion.V311, false, 1)]
    [InlineData(MqttProtocolVersion.V500, false, 1)]
    public async Task A_closed_websocket_publishes_the_will_unless_disconnect_came_first(MqttProtocolVersion version, bool disconnects, int expected)
    {
        await using var host = await KestrelBroker.StartAsync(new TestAccess());
        var wills = 0;
        using var watching = host.Broker.Subscribe("will", (in InboundMessage _) => wills++);
        using var socket = await host.OpenWebSocketAsync();
        await SendAsync(socket, Wire.Bytes((TestBroker.Connect("w", version) with { Will = Will }).WriteTo));
        (await socket.ReceiveAsync(new byte[100], default).WaitAsync(Patience)).MessageType.ShouldBe(WebSocketMessageType.Binary);
        if (disconnects)
        {
            await SendAsync(socket, Disconnect(version));
        }

        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default).WaitAsync(Patience);
        await SmartLock.Testing.Eventually.TrueAsync(() => host.Broker.GetStatistics().Connections == 0, "the connection is gone");
        wills.ShouldBe(expected);
    }

    [Fact]
    public async Task A_disconnect_that_arrives_just_before_the_websocket_breaks_discards_the_will()
    {
        await using var broker = new TestBroker();
        var wills = 0;
        using var watching = broker.Broker.Subscribe("will", (in InboundMessage _) => wills++);
        for (var i = 0; i < 100; i++)
        {
            var connect = TestBroker.Connect("w") with { Will = Will };
            using var socket = new BreakingSocket([Wire.Bytes(connect.WriteTo), Disconnect(MqttProtocolVersion.V500)]);
            await using var transport = new WebSocketTransport(socket);
            await broker.Broker.ServeAsync(transport).WaitAsync(Patience);
        }

        broker.Statistics.ConnectionsAccepted.ShouldBe(100);
        wills.ShouldBe(0);
    }

    private static byte[] Disconnect(MqttProtocolVersion version) => Wire.Bytes(o => new DisconnectPacket(MqttReasonCode.Success).WriteTo(o, version));

    private static Task SendAsync(WebSocket socket, byte[] bytes) => socket.SendAsync(bytes, WebSocketMessageType.Binary, endOfMessage: true, default);

    /// <summary>Delivers its frames one after the other without a pause, then fails as a reset connection does.</summary>
    private sealed class BreakingSocket(byte[][] frames) : WebSocket
    {
        private int _next;

        public override WebSocketCloseStatus? CloseStatus => null;

        public override string? CloseStatusDescription => null;

        public override WebSocketState State => WebSocketState.Open;

        public override string? SubProtocol => "mqtt";

        public override ValueTask<ValueWebSocketReceiveResult> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
        {
            if (_next == frames.Length)
            {
                throw new WebSocketException(WebSocketError.ConnectionClosedPrematurely);
            }

            // The zero-byte read that waits for data consumes nothing.
            var frame = buffer.IsEmpty ? [] : frames[_next++];
            frame.CopyTo(buffer);
            return ValueTask.FromResult(new ValueWebSocketReceiveResult(frame.Length, WebSocketMessageType.Binary, endOfMessage: true));
        }

        public override Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancellationToken) => throw new NotSupportedException();

        public override Task SendAsync(ArraySegment<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken) => Task.CompletedTask;

        public override Task CloseAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) => Task.CompletedTask;

        public override Task CloseOutputAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) => Task.CompletedTask;

        public override void Abort() => Dispose();

        public override void Dispose()
        {
            // Nothing is open.
        }
    }
}
