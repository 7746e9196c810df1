using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Packets;
using SmartLock.Mqtt.Tests.Broker;
using SmartLock.Testing;

namespace SmartLock.Mqtt.Tests.Persistence;

/// <summary>A store that is slow, or takes nothing: nobody is told what is not stored, and nobody else waits for it.</summary>
public sealed class StoreTroubleTests
{
    [Fact]
    public async Task Nothing_is_said_before_it_is_stored_and_everything_in_order_after()
    {
        await using var brokers = new Restarts();
        await brokers.StartAsync();
        var lasting = await brokers.Now.ConnectAsync(Restarts.Lasting("lasting"));
        await lasting.SubscribeAsync("a", MqttQoS.ExactlyOnce);
        var publisher = await brokers.Now.ConnectAsync(Restarts.Lasting("publisher"));
        await brokers.Now.Broker.Core.Journal!.WhenSettledAsync();

        brokers.Store.Hold();
        var (begun, newcomer) = (brokers.Store.Attempts, brokers.Now.Open());
        var welcome = newcomer.ConnectAsync(Restarts.Lasting("newcomer"));
        await publisher.PublishAsync("a", "one", MqttQoS.AtLeastOnce, packetId: 1);
        await publisher.PublishAsync("a", "two", MqttQoS.ExactlyOnce, packetId: 2);
        await publisher.SendAsync(output => new SubscribePacket(3, [new MqttSubscription("b")], null).WriteTo(output, MqttProtocolVersion.V500));
        await publisher.SendAsync(PingPackets.WriteRequest);
        var (told, reported) = (publisher.ReadAsync(), lasting.ReadAsync());
        await Eventually.TrueAsync(() => brokers.Store.Attempts > begun && brokers.Now.Statistics.Subscriptions == 2, "the broker has seen it all");
        await BothWaysAsync(brokers.Now);
        (welcome.IsCompleted, told.IsCompleted, reported.IsCompleted).ShouldBe((false, false, false));

        brokers.Store.LetGo();
        (await told).Ack(MqttPacketType.PubAck).PacketId.ShouldBe((ushort)1);
        (await publisher.ReadAsync()).Ack(MqttPacketType.PubRec).PacketId.ShouldBe((ushort)2);
        (await publisher.ReadAsync()).SubAck().PacketId.ShouldBe((ushort)3);
        (await publisher.ReadAsync()).Type.ShouldBe(MqttPacketType.PingResp);
        (await reported).Publish().Payload.ShouldBe("one");
        (await lasting.ReadPublishAsync()).Payload.ShouldBe("two");
        (await welcome).ReasonCode.ShouldBe(MqttReasonCode.Success);
    }

    [Fact]
    public async Task A_release_waits_until_the_receipt_is_stored()
    {
        await using var brokers = new Restarts();
        await brokers.StartAsync();
        var lasting = await brokers.Now.ConnectAsync(Restarts.Lasting("c"));
        await lasting.SubscribeAsync("a", MqttQoS.ExactlyOnce);
        brokers.Now.Broker.Publish("a", "x"u8, MqttQoS.ExactlyOnce);
        var id = (await lasting.ReadPublishAsync()).PacketId;
        brokers.Store.Hold();
        var begun = brokers.Store.Attempts;
        await lasting.SendAsync(new AckPacket(MqttPacketType.PubRec, id));
        var released = lasting.ReadAsync();
        await Eventually.TrueAsync(() => brokers.Store.Attempts > begun, "the store is asked");
        await BothWaysAsync(brokers.Now);
        released.IsCompleted.ShouldBeFalse();

        // A crash now: the client knows the identifier, so the message must come under it.
        var held = brokers.Store;
        await brokers.RestartAsync(kill: true);
        var again = await (await brokers.ReturnAsync(Restarts.Lasting("c"))).ReadPublishAsync();
        (again.PacketId, again.Duplicate).ShouldBe((id, true));
        held.LetGo();
        (await released).Ack(MqttPacketType.PubRel).PacketId.ShouldBe(id);
    }

    [Fact]
    public async Task A_store_that_fails_is_asked_again_and_then_all_is_acknowledged()
    {
        await using var brokers = new Restarts();
        await brokers.StartAsync();
        var lasting = await brokers.Now.ConnectAsync(Restarts.Lasting("c"));
        await lasting.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        var publisher = await brokers.Now.ConnectAsync("p");
        brokers.Store.Failure = new IOException("on purpose");
        await publisher.PublishAsync("a", "x", MqttQoS.AtLeastOnce);
        var told = publisher.ReadAsync();
        for (var i = 0; i < 5; i++)
        {
            var attempts = brokers.Store.Attempts;
            await Eventually.TrueAsync(() => Tick(brokers) && brokers.Store.Attempts > attempts, "it is tried again");
        }

        await BothWaysAsync(brokers.Now);
        told.IsCompleted.ShouldBeFalse();
        brokers.Store.Failure = null;
        await Eventually.TrueAsync(() => Tick(brokers) && told.IsCompleted, "it is acknowledged");
        (await told).Ack(MqttPacketType.PubAck).ReasonCode.ShouldBe(MqttReasonCode.Success);
        (await lasting.TakeAsync()).Payload.ShouldBe("x");
    }

    [Fact]
    public async Task What_waits_for_the_store_is_bounded()
    {
        const int Much = 50_000;
        await using var brokers = new Restarts(o => (o.MaxQueuedMessages, o.MaxQueuedBytes) = (2 * Much, int.MaxValue));
        await brokers.StartAsync();
        var lasting = await brokers.Now.ConnectAsync(Restarts.Lasting("c"));
        await lasting.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        await lasting.VanishAsync();
        await brokers.Now.Broker.Core.Journal!.WhenSettledAsync();
        var publisher = await brokers.Now.ConnectAsync("p");
        brokers.Store.Hold();
        var taken = 0;
        for (var i = 0; i < Much; i++)
        {
            taken += brokers.Now.Broker.Publish("a", "x"u8, MqttQoS.AtLeastOnce);
        }

        taken.ShouldBeInRange(20_000, Much - 1);
        brokers.Now.Statistics.Dropped[MqttDropReason.NotStored].ShouldBe(Much - taken);
        (await brokers.Now.Open().ConnectAsync(Restarts.Lasting("newcomer"))).ReasonCode.ShouldBe(MqttReasonCode.ServerUnavailable);

        // Rather no word than one that does not hold.
        await publisher.PublishAsync("a", "x", MqttQoS.AtLeastOnce);
        (await publisher.ReadDisconnectAsync()).ShouldBe(MqttReasonCode.ServerBusy);
        await BothWaysAsync(brokers.Now, MqttQoS.AtMostOnce);

        brokers.Store.LetGo();
        await brokers.Now.Broker.Core.Journal!.WhenSettledAsync();
        (await brokers.Now.Open().ConnectAsync(Restarts.Lasting("newcomer"))).ReasonCode.ShouldBe(MqttReasonCode.Success);
    }

    [Fact]
    public async Task A_client_that_fills_the_journal_is_not_read_from_until_there_is_room()
    {
        const int Many = 20_000;
        await using var brokers = new Restarts(o => (o.MaxQueuedMessages, o.MaxQueuedBytes) = (2 * Many, int.MaxValue));
        await brokers.StartAsync();
        var lasting = await brokers.Now.ConnectAsync(Restarts.Lasting("c"));
        await lasting.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        await lasting.VanishAsync();
        await brokers.Now.Broker.Core.Journal!.WhenSettledAsync();
        var publisher = await brokers.Now.ConnectAsync("p");
        var before = brokers.Now.Statistics.MessagesReceived;
        brokers.Store.Hold();
        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < Many; i++)
            {
                await publisher.PublishAsync("a", "some content", MqttQoS.AtLeastOnce);
            }
        });
        await Eventually.TrueAsync(() => brokers.Now.Broker.Core.Journal!.IsFull, "the journal is full");
        var acknowledging = publisher.SkipAsync(Many * 4L);
        await BothWaysAsync(brokers.Now);
        (brokers.Now.Statistics.MessagesReceived - before).ShouldBeLessThan(Many);
        brokers.Store.LetGo();
        await Task.WhenAll(sending, acknowledging).WaitAsync(TimeSpan.FromSeconds(30));
        brokers.Now.Statistics.Dropped.Values.Sum().ShouldBe(0);
    }

    [Fact]
    public async Task A_broker_that_has_not_loaded_what_was_stored_lets_nobody_in()
    {
        await using var broker = new TestBroker(store: new MemorySessionStore());
        var early = broker.Open();
        (await early.TryReadAsync()).ShouldBeNull();
        await broker.Broker.RestoreAsync();
        await broker.ConnectAsync("c");
    }

    /// <summary>Clients of whom nothing is stored talk with each other meanwhile.</summary>
    private static async Task BothWaysAsync(TestBroker broker, MqttQoS qos = MqttQoS.AtLeastOnce)
    {
        var one = await broker.ConnectAsync("one");
        await one.SubscribeAsync("quick", qos);
        await one.PublishAsync("quick", "x", qos);
        for (var i = 0; i < (qos == MqttQoS.AtMostOnce ? 1 : 2); i++)
        {
            (await one.ReadAsync()).Type.ShouldBeOneOf(MqttPacketType.PubAck, MqttPacketType.Publish);
        }

        await one.LeaveAsync();
    }

    private static bool Tick(Restarts brokers)
    {
        brokers.Clock.Advance(TimeSpan.FromSeconds(1));
        return true;
    }
}
