using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Packets;
using SmartLock.Mqtt.Tests.Broker;
using static SmartLock.Mqtt.Tests.Conformance.Raw;

namespace SmartLock.Mqtt.Tests.Conformance;

/// <summary>The client's Maximum Packet Size (MQTT 5, 3.1.2.11.4): nothing larger is sent, whatever it is.</summary>
public sealed class PacketSizeTests
{
    // The smallest that takes the CONNACK of these tests.
    private const int Smallest = 16;

    private static ConnectPacket Small(uint size, bool? problems = null) => TestBroker.Connect("c") with
    {
        KeepAlive = 60,
        Properties = new MqttProperties { MaximumPacketSize = size, RequestProblemInformation = problems },
    };

    [Fact]
    public async Task A_reason_string_is_left_out_where_it_does_not_fit()
    {
        await using var broker = new TestBroker();
        broker.Access.ForbiddenTopics.Add("no");
        broker.Access.ForbiddenFilters.Add("no");
        foreach (var (size, fits) in new[] { (Smallest, false), (200, true) })
        {
            var client = await broker.ConnectAsync(Small((uint)size));
            await client.PublishAsync("no", "x", MqttQoS.AtLeastOnce);
            var pubAck = (await client.ReadAsync()).Ack(MqttPacketType.PubAck);
            (pubAck.ReasonCode, pubAck.Properties is not null).ShouldBe((MqttReasonCode.NotAuthorized, fits));
            await client.PublishAsync("no", "x", MqttQoS.ExactlyOnce);
            var pubRec = (await client.ReadAsync()).Ack(MqttPacketType.PubRec);
            (pubRec.ReasonCode, pubRec.Properties is not null).ShouldBe((MqttReasonCode.NotAuthorized, fits));
            await client.SendAsync(Subscribe(V500, 9, Text("no"), [0]));
            var subAck = (await client.ReadAsync()).SubAck();
            subAck.ReasonCodes.ShouldBe([MqttReasonCode.NotAuthorized]);
            (subAck.Properties is not null).ShouldBe(fits);
            await client.SendAsync(0, 0);
            var disconnect = (await client.ReadAsync()).Disconnect();
            (disconnect.ReasonCode, disconnect.Properties is not null).ShouldBe((MqttReasonCode.MalformedPacket, fits));
            (await client.TryReadAsync()).ShouldBeNull();
        }
    }

    [Fact]
    public async Task Without_problem_information_only_a_disconnect_may_explain_itself()
    {
        await using var broker = new TestBroker();
        broker.Access.ForbiddenTopics.Add("no");
        broker.Access.ForbiddenFilters.Add("no");
        var client = await broker.ConnectAsync(Small(65_535, problems: false));
        await client.PublishAsync("no", "x", MqttQoS.AtLeastOnce);
        (await client.ReadAsync()).Ack(MqttPacketType.PubAck).Properties.ShouldBeNull();
        await client.PublishAsync("no", "x", MqttQoS.ExactlyOnce);
        (await client.ReadAsync()).Ack(MqttPacketType.PubRec).Properties.ShouldBeNull();
        await client.SendAsync(Subscribe(V500, 9, Text("no"), [0]));
        (await client.ReadAsync()).SubAck().Properties.ShouldBeNull();

        // What a publisher says about its message is no problem information.
        await client.SubscribeAsync("t");
        await client.PublishAsync("t", "x", properties: new MqttProperties { UserProperties = [new("k", "v")] });
        (await client.ReadPublishAsync()).Properties!.UserProperties.ShouldBe([new("k", "v")]);
    }

    [Fact]
    public async Task An_answer_that_is_too_large_is_discarded_and_the_connection_goes_on()
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync(Small(Smallest));
        byte[][] all = [.. Enumerable.Range(0, 12).SelectMany(i => new byte[][] { Text($"{i}"), [0] })];
        await client.SendAsync(Subscribe(V500, 9, all));
        await client.ShouldHaveNothingAsync();
        broker.Statistics.Subscriptions.ShouldBe(12);
        await client.SendAsync(Unsubscribe(V500, 10, [.. Enumerable.Range(0, 12).Select(i => Text($"{i}"))]));
        await client.ShouldHaveNothingAsync();
        broker.Statistics.Subscriptions.ShouldBe(0);
    }

    [Fact]
    public async Task A_message_that_is_too_large_counts_as_delivered()
    {
        await using var broker = new TestBroker();
        var connect = Small(Smallest) with { Properties = new MqttProperties { MaximumPacketSize = Smallest, SessionExpiryInterval = 60, ReceiveMaximum = 1 } };
        var first = await broker.ConnectAsync(connect with { CleanStart = false });
        await first.SubscribeAsync("t", MqttQoS.ExactlyOnce);
        broker.Broker.Publish("t", new byte[20], MqttQoS.AtLeastOnce).ShouldBe(0);
        broker.Broker.Publish("t", new byte[20], MqttQoS.ExactlyOnce).ShouldBe(0);
        broker.Broker.Publish("t", "fits"u8, MqttQoS.ExactlyOnce).ShouldBe(1);
        (await first.ReadPublishAsync()).Payload.ShouldBe("fits");
        await first.VanishAsync();

        // The same holds for what waited while the client was away.
        broker.Broker.Publish("t", "also"u8, MqttQoS.AtLeastOnce);
        broker.Broker.Publish("t", new byte[20], MqttQoS.AtLeastOnce);
        broker.Broker.Publish("t", "last"u8, MqttQoS.AtLeastOnce);
        var second = await broker.ConnectAsync(connect with { CleanStart = false });
        (await second.ReadPublishAsync()).Payload.ShouldBe("fits");
        await second.SendAsync(new AckPacket(MqttPacketType.PubRec, 1));
        (await second.ReadAsync()).Ack(MqttPacketType.PubRel);
        await second.SendAsync(new AckPacket(MqttPacketType.PubComp, 1));
        (await second.TakeAsync()).Payload.ShouldBe("also");
        (await second.TakeAsync()).Payload.ShouldBe("last");
        broker.Statistics.Dropped[MqttDropReason.TooLarge].ShouldBe(3);
    }

    [Theory]
    [InlineData(5, true)]
    [InlineData(4, false)]
    [InlineData(1, false)]
    public async Task A_client_that_cannot_be_welcomed_is_refused_as_far_as_it_takes_that(uint size, bool isTold)
    {
        await using var broker = new TestBroker();
        var client = broker.Open();
        await client.SendAsync(Small(size).WriteTo);
        if (isTold)
        {
            ConnAckPacket.Read((await client.ReadAsync()).Body, V500).ReasonCode.ShouldBe(MqttReasonCode.PacketTooLarge);
        }

        (await client.TryReadAsync()).ShouldBeNull();
        broker.Statistics.Sessions.ShouldBe(0);
    }

    [Fact]
    public async Task A_code_that_no_acknowledgement_may_carry_is_replaced()
    {
        await using var broker = new TestBroker();
        broker.Access.Refusal = MqttReasonCode.BadUserNameOrPassword;
        broker.Access.ForbiddenTopics.Add("no");
        broker.Access.ForbiddenFilters.Add("no");
        var client = await broker.ConnectAsync("c");
        await client.PublishAsync("no", "x", MqttQoS.AtLeastOnce);
        (await client.ReadAsync()).Ack(MqttPacketType.PubAck).ReasonCode.ShouldBe(MqttReasonCode.UnspecifiedError);
        await client.PublishAsync("no", "x", MqttQoS.ExactlyOnce);
        (await client.ReadAsync()).Ack(MqttPacketType.PubRec).ReasonCode.ShouldBe(MqttReasonCode.UnspecifiedError);
        (await client.SubscribeAsync(0, new MqttSubscription("no"))).ShouldBe([MqttReasonCode.UnspecifiedError]);
    }
}
