using System.Text;
using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Tests.Broker;

public sealed class BackpressureTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_message_larger_than_the_client_takes_is_dropped_and_the_next_one_is_not()
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync(TestBroker.Connect("c") with { Properties = new MqttProperties { MaximumPacketSize = 50 } });
        await client.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        broker.Broker.Publish("a", new byte[60], MqttQoS.AtLeastOnce).ShouldBe(0);
        broker.Broker.Publish("a", new byte[60]).ShouldBe(0);
        broker.Broker.Publish("a", "small"u8, MqttQoS.AtLeastOnce).ShouldBe(1);
        (await client.TakeAsync()).Payload.ShouldBe("small");
        broker.Statistics.Dropped[MqttDropReason.TooLarge].ShouldBe(2);
    }

    [Fact]
    public async Task A_packet_larger_than_the_broker_takes_ends_the_connection_before_it_is_read()
    {
        await using var broker = new TestBroker(o => o.MaxPacketSize = 2048);
        var client = broker.Open();
        (await client.ConnectAsync(TestBroker.Connect("c"))).Properties!.MaximumPacketSize.ShouldBe(2048u);
        await client.SendAsync(0x30, 0xFF, 0xFF, 0x7F);
        (await client.ReadDisconnectAsync()).ShouldBe(MqttReasonCode.PacketTooLarge);
    }

    [Fact]
    public async Task The_queue_of_an_absent_client_is_bounded_in_number_and_bytes()
    {
        await using var broker = new TestBroker(o => (o.MaxQueuedMessages, o.MaxQueuedBytes) = (3, 2000));
        var lasting = TestBroker.Connect("c") with { CleanStart = false, Properties = new MqttProperties { SessionExpiryInterval = 60 } };
        var client = await broker.ConnectAsync(lasting);
        await client.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        await client.VanishAsync();
        broker.Broker.Publish("a", new byte[1900], MqttQoS.AtLeastOnce).ShouldBe(1);
        broker.Broker.Publish("a", new byte[200], MqttQoS.AtLeastOnce).ShouldBe(0);
        broker.Broker.Publish("a", "1"u8, MqttQoS.AtLeastOnce).ShouldBe(1);
        broker.Broker.Publish("a", "2"u8, MqttQoS.AtLeastOnce).ShouldBe(1);
        broker.Broker.Publish("a", "3"u8, MqttQoS.AtLeastOnce).ShouldBe(0);
        broker.Statistics.Dropped[MqttDropReason.QueueFull].ShouldBe(2);
        var back = await broker.ConnectAsync(lasting);
        await back.TakeAsync();
        (await back.TakeAsync()).Payload.ShouldBe("1");
        (await back.TakeAsync()).Payload.ShouldBe("2");
        await back.ShouldHaveNothingAsync();
    }

    [Fact]
    public async Task A_slow_reader_holds_up_nobody_and_its_qos_1_messages_wait()
    {
        await using var broker = new TestBroker(o => (o.MaxOutboundBytes, o.MaxQueuedMessages) = (32 * 1024, 10_000));
        var slow = await broker.ConnectAsync("slow");
        var quick = await broker.ConnectAsync("quick");
        await slow.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        await quick.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        var payload = Encoding.UTF8.GetBytes(new string('x', 1000));
        for (var i = 0; i < 1000; i++)
        {
            broker.Broker.Publish("a", payload);
            (await quick.ReadPublishAsync()).Payload.Length.ShouldBe(1000);
        }

        var dropped = broker.Statistics.Dropped[MqttDropReason.SlowReader];
        dropped.ShouldBeGreaterThan(500);
        for (var i = 0; i < 100; i++)
        {
            broker.Broker.Publish("a", payload, MqttQoS.AtLeastOnce).ShouldBe(2);
            await quick.TakeAsync();
        }

        // It wakes up: what it missed at QoS 0 is gone, and everything at QoS 1 arrives, once, in order.
        var ids = new List<ushort>();
        var lost = 1000;
        while (ids.Count < 100)
        {
            var message = await slow.TakeAsync();
            if (message.QoS == MqttQoS.AtLeastOnce)
            {
                ids.Add(message.PacketId);
            }
            else
            {
                lost--;
            }
        }

        lost.ShouldBe((int)dropped);
        ids.ShouldBe(Enumerable.Range(1, 100).Select(i => (ushort)i));
    }

    [Fact]
    public async Task A_client_that_never_reads_what_it_is_answered_is_let_go()
    {
        await using var broker = new TestBroker(o => o.MaxOutboundBytes = 16 * 1024);
        var client = await broker.ConnectAsync(TestBroker.Connect("c", MqttProtocolVersion.V311));
        var pings = new byte[64 * 1024];
        for (var i = 0; i < pings.Length; i += 2)
        {
            pings[i] = 0xC0;
        }

        for (var i = 0; i < 20 && !client.Served.IsCompleted && broker.Statistics.ProtocolErrors == 0; i++)
        {
            await client.SendAsync(pings);
        }

        await Until(() => broker.Statistics.ProtocolErrors == 1);
        // It takes nothing of what is left: cut after the time for a goodbye.
        await broker.AdvanceUntilAsync(client.Served);
    }

    [Fact]
    public async Task More_qos_2_messages_under_way_than_the_receive_maximum_end_the_connection()
    {
        await using var broker = new TestBroker(o => o.ReceiveMaximum = 2);
        var client = broker.Open();
        (await client.ConnectAsync(TestBroker.Connect("c"))).Properties!.ReceiveMaximum.ShouldBe((ushort)2);
        for (var i = 0; i < 2; i++)
        {
            await client.PublishAsync("a", "x", MqttQoS.ExactlyOnce);
            (await client.ReadAsync()).Ack(MqttPacketType.PubRec);
        }

        await client.PublishAsync("a", "x", MqttQoS.ExactlyOnce);
        (await client.ReadDisconnectAsync()).ShouldBe(MqttReasonCode.ReceiveMaximumExceeded);
    }

    private static async Task Until(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!condition())
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
