using System.Buffers;
using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Packets;
using SmartLock.Mqtt.Tests.Persistence;

namespace SmartLock.Mqtt.Tests.Broker;

/// <summary>What a message costs in allocations, and that it does not depend on who else is there.</summary>
[Collection(nameof(CostTests))]
[CollectionDefinition(nameof(CostTests), DisableParallelization = true)]
public sealed class CostTests
{
    private const int Messages = 100_000;

    // Enough for every pool and buffer to have its size.
    private const int WarmUp = 20_000;

    [Theory]
    [InlineData(MqttQoS.AtMostOnce, MqttProtocolVersion.V311)]
    [InlineData(MqttQoS.AtMostOnce, MqttProtocolVersion.V500)]
    [InlineData(MqttQoS.AtLeastOnce, MqttProtocolVersion.V311)]
    [InlineData(MqttQoS.AtLeastOnce, MqttProtocolVersion.V500)]
    [InlineData(MqttQoS.AtMostOnce, MqttProtocolVersion.V500, true)]
    [InlineData(MqttQoS.AtLeastOnce, MqttProtocolVersion.V500, true)]
    public async Task A_message_from_socket_to_socket_allocates_nothing(MqttQoS qos, MqttProtocolVersion version, bool storesOthers = false)
    {
        await using var broker = new TestBroker(store: storesOthers ? new MemorySessionStore() : null);
        await broker.Broker.RestoreAsync();
        var (near, far) = DuplexPipe.Create();
        var served = broker.Broker.ServeAsync(far);
        var subscriber = new TestClient(near, served);
        await subscriber.ConnectAsync(TestBroker.Connect("s", version));
        await subscriber.SubscribeAsync("status/#", qos);
        var publisher = await broker.ConnectAsync("p", version);
        await RunAsync(publisher, near, qos, version, WarmUp);

        var before = GC.GetTotalAllocatedBytes(precise: true);
        await RunAsync(publisher, near, qos, version, Messages);
        var each = (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)Messages;
        each.ShouldBeLessThan(8, "bytes per message, with what the test itself takes per batch");
    }

    [Fact]
    public async Task A_message_to_an_in_process_subscriber_and_back_to_one_session_allocates_nothing()
    {
        await using var broker = new TestBroker(o => o.MaxOutboundBytes = 64 * 1024 * 1024);
        var device = await broker.ConnectAsync("d");
        await device.SubscribeAsync("commands");
        var (seen, delivered) = (0, 0);
        using var subscription = broker.Broker.Subscribe("status/+", (in InboundMessage m) => seen += m.Payload.Length);
        Once();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            Once();
        }

        // What is left is the outbound buffer that grows before the flusher's thread has woken up.
        var each = (GC.GetAllocatedBytesForCurrentThread() - before) / 1000.0;
        each.ShouldBeLessThan(40);
        (seen, delivered).ShouldBe((1001 * 5, 2002));

        void Once()
        {
            delivered += broker.Broker.Publish("status/7"u8, "alive"u8);
            delivered += broker.Broker.PublishTo("device", "commands"u8, "x"u8, MqttQoS.AtMostOnce);
        }
    }

    [Theory]
    [InlineData(10)]
    [InlineData(10_000)]
    public async Task Idle_sessions_cost_a_message_nothing(int idle)
    {
        await using var broker = new TestBroker();
        for (var i = 0; i < idle; i++)
        {
            var client = await broker.ConnectAsync(TestBroker.Connect($"c{i}") with { UserName = $"device-{i}" });
            await client.SubscribeAsync(0, new($"smartlock/commands/device-{i}"), new MqttSubscription("smartlock/commands"));
        }

        var visitor = new Counter();
        broker.Broker.Core.Subscriptions.Match("smartlock/commands/device-3"u8, ref visitor).ShouldBe(4);
        visitor.Sets.ShouldBe(1);
        broker.Broker.Publish("smartlock/commands/device-3", "x"u8).ShouldBe(1);
        broker.Broker.PublishTo("device-3", "smartlock/commands", "x"u8, MqttQoS.AtMostOnce).ShouldBe(1);
        broker.Statistics.MessagesSent.ShouldBe(2);
    }

    // In lock step: a batch arrives before the next is sent, so that queues stay as short as they are in steady operation.
    private static async Task RunAsync(TestClient publisher, DuplexPipe subscriber, MqttQoS qos, MqttProtocolVersion version, int messages)
    {
        const int Batch = 500;
        var output = new ArrayBufferWriter<byte>();
        for (ushort i = 1; i <= Batch; i++)
        {
            publisher.WritePublish(output, "status/7", "a heartbeat of some length", qos, packetId: qos == MqttQoS.AtMostOnce ? (ushort)0 : i);
        }

        Action<IBufferWriter<byte>> write = o => o.Write(output.WrittenSpan);
        for (var i = 0; i < messages / Batch; i++)
        {
            await publisher.SendAsync(write);
            await ReadAsync(subscriber, qos, version, Batch);
            if (qos == MqttQoS.AtLeastOnce)
            {
                await publisher.SkipAsync(Batch * 4L);
            }
        }
    }

    private static async Task ReadAsync(DuplexPipe subscriber, MqttQoS qos, MqttProtocolVersion version, int messages)
    {
        while (messages > 0)
        {
            var result = await subscriber.Input.ReadAsync();
            result.IsCompleted.ShouldBeFalse();
            var buffer = result.Buffer;
            messages -= Take(ref buffer, subscriber.Output, qos, version);
            subscriber.Input.AdvanceTo(buffer.Start, buffer.End);
            await subscriber.Output.FlushAsync();
        }
    }

    private static int Take(ref ReadOnlySequence<byte> buffer, IBufferWriter<byte> output, MqttQoS qos, MqttProtocolVersion version)
    {
        var taken = 0;
        while (MqttFrame.TryRead(ref buffer, uint.MaxValue, out var header, out var body))
        {
            taken++;
            if (qos == MqttQoS.AtMostOnce)
            {
                continue;
            }

            using var whole = new ContiguousBody(body);
            var packet = PublishPacket.Read(header, whole.Span, version);
            new AckPacket(MqttPacketType.PubAck, packet.PacketId).WriteTo(output, version);
        }

        return taken;
    }

    private struct Counter : ISubscriberVisitor
    {
        public int Sets { get; private set; }

        public void VisitOwn(SubscriberSet subscribers) => Sets++;

        public void VisitGroup(SubscriberSet members) => Sets++;
    }
}
