using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Tests.Broker;

public sealed class SessionTests
{
    private static ConnectPacket Lasting(string clientId, uint seconds = 60, ushort? receiveMaximum = null) => TestBroker.Connect(clientId) with
    {
        CleanStart = false,
        Properties = new MqttProperties { SessionExpiryInterval = seconds, ReceiveMaximum = receiveMaximum },
    };

    [Fact]
    public async Task A_session_keeps_subscriptions_and_messages_for_its_client()
    {
        await using var broker = new TestBroker();
        var first = await broker.ConnectAsync(Lasting("c"));
        await first.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        await first.VanishAsync();
        broker.Broker.Publish("a", "qos 0 does not wait"u8).ShouldBe(0);
        broker.Broker.Publish("a", "one"u8, MqttQoS.AtLeastOnce).ShouldBe(1);
        broker.Broker.Publish("a", "two"u8, MqttQoS.AtLeastOnce).ShouldBe(1);

        var second = broker.Open();
        (await second.ConnectAsync(Lasting("c"))).SessionPresent.ShouldBeTrue();
        (await second.TakeAsync()).Payload.ShouldBe("one");
        (await second.TakeAsync()).Payload.ShouldBe("two");
        await second.ShouldHaveNothingAsync();
    }

    [Fact]
    public async Task A_clean_start_ends_the_old_session()
    {
        await using var broker = new TestBroker();
        var first = await broker.ConnectAsync(Lasting("c"));
        await first.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        await first.VanishAsync();
        var second = broker.Open();
        (await second.ConnectAsync(Lasting("c") with { CleanStart = true })).SessionPresent.ShouldBeFalse();
        broker.Broker.Publish("a", "x"u8).ShouldBe(0);
        broker.Statistics.Subscriptions.ShouldBe(0);
    }

    [Fact]
    public async Task A_v3_session_without_clean_session_lasts()
    {
        await using var broker = new TestBroker();
        var connect = TestBroker.Connect("c", MqttProtocolVersion.V311) with { CleanStart = false };
        var first = await broker.ConnectAsync(connect);
        await first.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        await first.LeaveAsync();
        broker.Broker.Publish("a", "x"u8, MqttQoS.AtLeastOnce).ShouldBe(1);
        var second = broker.Open();
        (await second.ConnectAsync(connect)).SessionPresent.ShouldBeTrue();
        (await second.TakeAsync()).Payload.ShouldBe("x");
    }

    [Fact]
    public async Task A_session_ends_when_its_time_is_over_and_not_before()
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync(Lasting("c", seconds: 60));
        await client.SubscribeAsync("a");
        await client.VanishAsync();
        broker.Clock.Advance(TimeSpan.FromSeconds(59));
        broker.Statistics.Sessions.ShouldBe(1);
        broker.Clock.Advance(TimeSpan.FromSeconds(1));
        (broker.Statistics.Sessions, broker.Statistics.Subscriptions).ShouldBe((0, 0));
    }

    [Fact]
    public async Task A_session_does_not_end_while_its_client_is_back()
    {
        await using var broker = new TestBroker();
        var first = await broker.ConnectAsync(Lasting("c", seconds: 60));
        await first.VanishAsync();
        broker.Clock.Advance(TimeSpan.FromSeconds(50));
        var second = await broker.ConnectAsync(Lasting("c", seconds: 60));
        broker.Clock.Advance(TimeSpan.FromSeconds(50));
        await second.ShouldHaveNothingAsync();
        await second.VanishAsync();
        broker.Clock.Advance(TimeSpan.FromSeconds(59));
        broker.Statistics.Sessions.ShouldBe(1);
    }

    [Fact]
    public async Task A_disconnect_may_shorten_the_session()
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync(Lasting("c", seconds: 600));
        await client.LeaveAsync(sessionExpiry: 10);
        broker.Clock.Advance(TimeSpan.FromSeconds(10));
        broker.Statistics.Sessions.ShouldBe(0);
    }

    [Fact]
    public async Task A_disconnect_may_not_revive_a_session_that_ends_with_its_connection()
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync("c");
        await client.SendAsync(output => new DisconnectPacket(MqttReasonCode.Success, new MqttProperties { SessionExpiryInterval = 5 })
            .WriteTo(output, MqttProtocolVersion.V500));
        (await client.ReadDisconnectAsync()).ShouldBe(MqttReasonCode.ProtocolError);
    }

    [Fact]
    public async Task A_client_is_told_when_its_session_is_to_last_less_than_it_asked_for()
    {
        await using var broker = new TestBroker(o => o.MaxSessionExpiry = TimeSpan.FromSeconds(30));
        var answer = await broker.Open().ConnectAsync(Lasting("c", seconds: uint.MaxValue));
        answer.Properties!.SessionExpiryInterval.ShouldBe(30u);
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V500)]
    [InlineData(MqttProtocolVersion.V311)]
    public async Task A_client_id_is_taken_over(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        var old = await broker.ConnectAsync("c", version);
        var young = await broker.ConnectAsync("c", version);
        (await old.ReadDisconnectAsync()).ShouldBe(version == MqttProtocolVersion.V500 ? MqttReasonCode.SessionTakenOver : null);
        await old.Served.WaitAsync(TimeSpan.FromSeconds(20));
        await young.SubscribeAsync("a");
        broker.Broker.Publish("a", "x"u8).ShouldBe(1);
        (await young.ReadPublishAsync()).Payload.ShouldBe("x");
        broker.Statistics.Connections.ShouldBe(1);
    }

    [Fact]
    public async Task Another_login_cannot_take_a_session_by_its_client_id()
    {
        await using var broker = new TestBroker();
        var mine = await broker.ConnectAsync(Lasting("c"));
        await mine.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        var thief = broker.Open();
        (await thief.ConnectAsync(Lasting("c") with { UserName = "thief" })).SessionPresent.ShouldBeFalse();
        broker.Broker.Publish("a", "secret"u8, MqttQoS.AtLeastOnce).ShouldBe(1);
        (await mine.TakeAsync()).Payload.ShouldBe("secret");
        await thief.ShouldHaveNothingAsync();
    }

    [Fact]
    public async Task What_was_not_acknowledged_is_sent_again_in_order_as_a_duplicate()
    {
        await using var broker = new TestBroker();
        var first = await broker.ConnectAsync(Lasting("c"));
        await first.SubscribeAsync("a", MqttQoS.ExactlyOnce);
        foreach (var qos in new[] { MqttQoS.AtLeastOnce, MqttQoS.ExactlyOnce, MqttQoS.AtLeastOnce, MqttQoS.ExactlyOnce })
        {
            broker.Broker.Publish("a", "m"u8, qos);
        }

        var ids = new List<ushort>();
        for (var i = 0; i < 4; i++)
        {
            ids.Add((await first.ReadPublishAsync()).PacketId);
        }

        await first.SendAsync(new AckPacket(MqttPacketType.PubAck, ids[0]));
        await first.SendAsync(new AckPacket(MqttPacketType.PubRec, ids[1]));
        (await first.ReadAsync()).Ack(MqttPacketType.PubRel);
        await first.VanishAsync();

        var second = broker.Open();
        await second.ConnectAsync(Lasting("c"));
        (await second.ReadAsync()).Ack(MqttPacketType.PubRel).PacketId.ShouldBe(ids[1]);
        var third = await second.ReadPublishAsync();
        (third.PacketId, third.Duplicate, third.QoS).ShouldBe((ids[2], true, MqttQoS.AtLeastOnce));
        var fourth = await second.ReadPublishAsync();
        (fourth.PacketId, fourth.Duplicate, fourth.QoS).ShouldBe((ids[3], true, MqttQoS.ExactlyOnce));
        await second.ShouldHaveNothingAsync();
    }

    [Fact]
    public async Task No_more_is_under_way_than_the_client_can_receive()
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync(Lasting("c", receiveMaximum: 2));
        await client.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        for (var i = 0; i < 5; i++)
        {
            broker.Broker.Publish("a", "m"u8, MqttQoS.AtLeastOnce).ShouldBe(1);
        }

        var first = await client.ReadPublishAsync();
        await client.ReadPublishAsync();
        await client.ShouldHaveNothingAsync();
        await client.SendAsync(new AckPacket(MqttPacketType.PubAck, first.PacketId));
        (await client.ReadPublishAsync()).PacketId.ShouldBe((ushort)3);
        await client.ShouldHaveNothingAsync();
    }

    [Fact]
    public async Task A_smaller_receive_maximum_holds_for_what_is_sent_again()
    {
        await using var broker = new TestBroker();
        var first = await broker.ConnectAsync(Lasting("c"));
        await first.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        for (var i = 0; i < 4; i++)
        {
            broker.Broker.Publish("a", "m"u8, MqttQoS.AtLeastOnce);
            await first.ReadPublishAsync();
        }

        await first.VanishAsync();
        broker.Broker.Publish("a", "new"u8, MqttQoS.AtLeastOnce);
        var second = await broker.ConnectAsync(Lasting("c", receiveMaximum: 1));
        for (var id = 1; id <= 4; id++)
        {
            var message = await second.ReadPublishAsync();
            (message.PacketId, message.Duplicate).ShouldBe(((ushort)id, true));
            await second.ShouldHaveNothingAsync();
            await second.SendAsync(new AckPacket(MqttPacketType.PubAck, message.PacketId));
        }

        (await second.TakeAsync()).Payload.ShouldBe("new");
    }

    [Fact]
    public async Task A_waiting_message_expires_and_what_is_left_of_its_time_travels_on()
    {
        await using var broker = new TestBroker();
        var first = await broker.ConnectAsync(Lasting("c", seconds: 600));
        await first.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        await first.VanishAsync();
        broker.Broker.Publish("a", "short"u8, MqttQoS.AtLeastOnce, properties: new MqttProperties { MessageExpiryInterval = 10 });
        broker.Broker.Publish("a", "long"u8, MqttQoS.AtLeastOnce, properties: new MqttProperties { MessageExpiryInterval = 100 });
        broker.Clock.Advance(TimeSpan.FromSeconds(40));
        var second = await broker.ConnectAsync(Lasting("c"));
        var message = await second.TakeAsync();
        (message.Payload, message.Properties!.MessageExpiryInterval).ShouldBe(("long", 60u));
        await second.ShouldHaveNothingAsync();
        broker.Statistics.Dropped[SmartLock.Mqtt.Broker.MqttDropReason.Expired].ShouldBe(1);
    }

    [Fact]
    public async Task A_client_without_an_id_is_given_one()
    {
        await using var broker = new TestBroker();
        var one = (await broker.Open().ConnectAsync(TestBroker.Connect(""))).Properties!.AssignedClientIdentifier;
        var two = (await broker.Open().ConnectAsync(TestBroker.Connect(""))).Properties!.AssignedClientIdentifier;
        one.ShouldNotBeNullOrEmpty();
        two.ShouldNotBe(one);
    }

    [Fact]
    public async Task A_v3_client_without_an_id_must_not_want_a_lasting_session()
    {
        await using var broker = new TestBroker();
        var answer = await broker.Open().ConnectAsync(TestBroker.Connect("", MqttProtocolVersion.V311) with { CleanStart = false });
        answer.ReasonCode.ShouldBe(MqttReasonCode.ClientIdentifierNotValid);
    }
}
