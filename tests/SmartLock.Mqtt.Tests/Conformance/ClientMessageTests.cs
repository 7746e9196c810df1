using SmartLock.Mqtt.Client;
using SmartLock.Mqtt.Packets;
using SmartLock.Mqtt.Tests.Client;
using static SmartLock.Mqtt.Tests.Conformance.Raw;

namespace SmartLock.Mqtt.Tests.Conformance;

/// <summary>What a client must keep with messages and subscriptions; the test plays the broker.</summary>
public sealed class ClientMessageTests
{
    private readonly Inbox _inbox = new();

    public static TheoryData<MqttProtocolVersion> Versions => Raw.Versions;

    private static MqttClientOptions Lasting(ScriptedBroker broker) => broker.Options with { CleanStart = false, SessionExpiry = TimeSpan.FromHours(1) };

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Each_quality_of_service_is_sent_as_its_protocol_says(MqttProtocolVersion version)
    {
        var broker = new ScriptedBroker { Version = version };
        await using var client = new MqttClient(broker.Options);
        var peer = await broker.ConnectAsync(client);
        await client.PublishAsync("t", "0"u8.ToArray());
        var zero = await peer.ExpectAsync(MqttPacketType.Publish);
        zero.Header.ShouldBe((byte)0x30);
        zero.Body.ShouldBe([.. Text("t"), .. NoProperties(version), (byte)'0']);

        var one = client.PublishAsync("t", default, MqttQoS.AtLeastOnce).AsTask();
        var first = await peer.ExpectAsync(MqttPacketType.Publish);
        first.Header.ShouldBe((byte)0x32);
        var id = first.AsPublish().Id;
        id.ShouldNotBe((ushort)0);
        one.IsCompleted.ShouldBeFalse();
        await peer.AckAsync(MqttPacketType.PubAck, id);
        (await ScriptedBroker.InTime(one)).IsDelivered.ShouldBeTrue();

        var two = client.PublishAsync("t", default, MqttQoS.ExactlyOnce).AsTask();
        var second = await peer.ExpectAsync(MqttPacketType.Publish);
        second.Header.ShouldBe((byte)0x34);
        id = second.AsPublish().Id;
        await peer.AckAsync(MqttPacketType.PubRec, id);
        var release = await peer.ExpectAsync(MqttPacketType.PubRel);
        (release.Header, release.AsAck().PacketId).ShouldBe(((byte)0x62, id));
        two.IsCompleted.ShouldBeFalse();
        await peer.AckAsync(MqttPacketType.PubComp, id);
        (await ScriptedBroker.InTime(two)).IsDelivered.ShouldBeTrue();
        client.Abort();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Identifiers_under_way_are_all_different_and_not_zero(MqttProtocolVersion version)
    {
        var broker = new ScriptedBroker { Version = version };
        await using var client = new MqttClient(broker.Options);
        var peer = await broker.ConnectAsync(client);
        var ids = new List<ushort>();
        for (var i = 0; i < 4; i++)
        {
            _ = client.PublishAsync("t", default, i % 2 == 0 ? MqttQoS.AtLeastOnce : MqttQoS.ExactlyOnce).AsTask();
            ids.Add((await peer.ExpectPublishAsync()).Id);
            _ = Swallow(client.SubscribeAsync("t"));
            var subscribe = await peer.ExpectAsync(MqttPacketType.Subscribe);
            subscribe.Header.ShouldBe((byte)0x82);
            ids.Add(subscribe.AsSubscribe().PacketId);
            _ = Swallow(client.UnsubscribeAsync(["t"]));
            var unsubscribe = await peer.ExpectAsync(MqttPacketType.Unsubscribe);
            unsubscribe.Header.ShouldBe((byte)0xA2);
            ids.Add(unsubscribe.AsUnsubscribe().PacketId);
        }

        ids.ShouldNotContain((ushort)0);
        ids.Distinct().Count().ShouldBe(ids.Count);
        client.Abort();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task What_is_unacknowledged_is_sent_again_in_order_and_released_in_the_order_of_its_pubrecs(MqttProtocolVersion version)
    {
        var broker = new ScriptedBroker { Version = version };
        await using var client = new MqttClient(Lasting(broker));
        await client.StartAsync();
        var peer = await broker.WelcomeAsync();
        var all = new List<Task<MqttPublishResult>>();
        var ids = new List<ushort>();
        foreach (var qos in new[] { 2, 1, 2, 2, 1 })
        {
            all.Add(client.PublishAsync("t", default, (MqttQoS)qos).AsTask());
            ids.Add((await peer.ExpectPublishAsync()).Id);
        }

        foreach (var i in new[] { 3, 0 })
        {
            await peer.AckAsync(MqttPacketType.PubRec, ids[i]);
            (await peer.ExpectAckAsync(MqttPacketType.PubRel)).PacketId.ShouldBe(ids[i]);
        }

        peer.Abort();
        peer = await broker.WelcomeAsync(sessionPresent: true);
        foreach (var i in new[] { 3, 0 })
        {
            (await peer.ExpectAckAsync(MqttPacketType.PubRel)).PacketId.ShouldBe(ids[i]);
        }

        foreach (var i in new[] { 1, 2, 4 })
        {
            var publish = await peer.ExpectPublishAsync();
            (publish.Id, publish.Duplicate).ShouldBe((ids[i], true));
        }

        await peer.AckAsync(MqttPacketType.PubComp, ids[3]);
        await peer.AckAsync(MqttPacketType.PubComp, ids[0]);
        await peer.AckAsync(MqttPacketType.PubRec, ids[2]);
        (await peer.ExpectAckAsync(MqttPacketType.PubRel)).PacketId.ShouldBe(ids[2]);
        await peer.AckAsync(MqttPacketType.PubComp, ids[2]);
        await peer.AckAsync(MqttPacketType.PubAck, ids[1]);
        await peer.AckAsync(MqttPacketType.PubAck, ids[4]);
        (await ScriptedBroker.InTime(Task.WhenAll(all))).ShouldAllBe(r => r.IsDelivered);

        // Acknowledged is acknowledged: the next connection is sent nothing.
        peer.Abort();
        peer = await broker.WelcomeAsync(sessionPresent: true);
        await peer.BarrierAsync();
        client.Abort();
    }

    [Fact]
    public async Task A_refused_message_is_not_sent_again()
    {
        var broker = new ScriptedBroker();
        await using var client = new MqttClient(Lasting(broker));
        await client.StartAsync();
        var peer = await broker.WelcomeAsync();
        var one = client.PublishAsync("t", default, MqttQoS.AtLeastOnce).AsTask();
        await peer.AckAsync(MqttPacketType.PubAck, (await peer.ExpectPublishAsync()).Id, MqttReasonCode.QuotaExceeded);
        var two = client.PublishAsync("t", default, MqttQoS.ExactlyOnce).AsTask();
        await peer.AckAsync(MqttPacketType.PubRec, (await peer.ExpectPublishAsync()).Id, MqttReasonCode.QuotaExceeded);
        (await ScriptedBroker.InTime(Task.WhenAll(one, two))).ShouldAllBe(r => r.ReasonCode == MqttReasonCode.QuotaExceeded);
        peer.Abort();
        peer = await broker.WelcomeAsync(sessionPresent: true);
        await peer.BarrierAsync();
        client.Abort();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Acknowledgements_go_out_in_the_order_of_the_messages_whatever_the_handler_does(MqttProtocolVersion version)
    {
        var broker = new ScriptedBroker { Version = version };
        await using var client = new MqttClient(broker.Options, (m, _) =>
            m.Topic == "bad" ? throw new InvalidOperationException("of the test") : ValueTask.CompletedTask);
        var peer = await broker.ConnectAsync(client);
        for (ushort id = 1; id <= 6; id++)
        {
            await peer.PublishAsync(id == 3 ? "bad" : "good", id % 2 == 0 ? MqttQoS.ExactlyOnce : MqttQoS.AtLeastOnce, id);
        }

        for (ushort id = 1; id <= 6; id++)
        {
            var ack = await peer.ExpectAsync(id % 2 == 0 ? MqttPacketType.PubRec : MqttPacketType.PubAck);
            ack.AsAck().PacketId.ShouldBe(id);
            ack.Body.Length.ShouldBe(id == 3 && version == V500 ? 3 : 2);
        }

        client.Abort();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task An_identifier_stands_for_a_new_message_once_it_was_acknowledged(MqttProtocolVersion version)
    {
        var broker = new ScriptedBroker { Version = version };
        await using var client = new MqttClient(broker.Options, _inbox.OnMessageAsync);
        var peer = await broker.ConnectAsync(client);
        for (var i = 0; i < 2; i++)
        {
            await peer.PublishAsync("one", MqttQoS.AtLeastOnce, 5, duplicate: i == 1);
            (await peer.ExpectAckAsync(MqttPacketType.PubAck)).PacketId.ShouldBe((ushort)5);
            (await _inbox.NextAsync()).Topic.ShouldBe("one");
            await peer.PublishAsync("two", MqttQoS.ExactlyOnce, 5);
            (await peer.ExpectAckAsync(MqttPacketType.PubRec)).PacketId.ShouldBe((ushort)5);
            await peer.PublishAsync("two", MqttQoS.ExactlyOnce, 5, duplicate: true);
            (await peer.ExpectAckAsync(MqttPacketType.PubRec)).PacketId.ShouldBe((ushort)5);
            await peer.AckAsync(MqttPacketType.PubRel, 5);
            (await peer.ExpectAckAsync(MqttPacketType.PubComp)).PacketId.ShouldBe((ushort)5);
            (await _inbox.NextAsync()).Topic.ShouldBe("two");
        }

        _inbox.IsEmpty.ShouldBeTrue();
        client.Abort();
    }

    [Fact]
    public async Task Without_leave_no_aliases_are_sent_and_those_of_one_connection_are_not_of_the_next()
    {
        var broker = new ScriptedBroker();
        await using var client = new MqttClient(broker.Options, _inbox.OnMessageAsync);
        var peer = await broker.ConnectAsync(client);
        await client.PublishAsync("t", default);
        await client.PublishAsync("t", default);
        (await peer.ExpectPublishAsync()).Alias.ShouldBe((ushort)0);
        (await peer.ExpectPublishAsync()).Alias.ShouldBe((ushort)0);
        for (var i = 0; i < 2; i++)
        {
            client.Abort();
            await peer.ExpectEndAsync();
            peer = await broker.ConnectAsync(client, new MqttProperties { TopicAliasMaximum = 1 });
            await client.PublishAsync("t", default);
            var publish = await peer.ExpectPublishAsync();
            (publish.Topic, publish.Alias).ShouldBe(("t", (ushort)1));
            if (i == 0)
            {
                await peer.PublishAsync("theirs", MqttQoS.AtMostOnce, alias: 1);
                (await _inbox.NextAsync()).Topic.ShouldBe("theirs");
            }
        }

        await peer.PublishAsync(string.Empty, MqttQoS.AtMostOnce, alias: 1);
        (await peer.FarewellAsync()).ShouldBe(MqttReasonCode.ProtocolError);
    }

    [Fact]
    public async Task A_request_larger_than_the_broker_takes_is_not_sent()
    {
        var broker = new ScriptedBroker();
        await using var client = new MqttClient(broker.Options);
        var peer = await broker.ConnectAsync(client, new MqttProperties { MaximumPacketSize = 30 });
        MqttSubscription[] many = [.. Enumerable.Range(0, 5).Select(i => new MqttSubscription($"topic/{i}"))];
        (await client.SubscribeAsync(many)).ShouldAllBe(code => code == MqttReasonCode.PacketTooLarge);
        (await client.UnsubscribeAsync([.. many.Select(s => s.Filter)])).ShouldAllBe(code => code == MqttReasonCode.PacketTooLarge);
        var subscribing = client.SubscribeAsync("small");
        var subscribe = (await peer.ExpectAsync(MqttPacketType.Subscribe)).AsSubscribe();
        subscribe.Subscriptions.ShouldBe([new MqttSubscription("small")]);
        await peer.SendAsync(o => new SubAckPacket(subscribe.PacketId, [MqttReasonCode.Success]).WriteTo(o, V500));
        (await ScriptedBroker.InTime(subscribing)).ShouldBe(MqttReasonCode.Success);
        client.Abort();
    }

    [Fact]
    public async Task Subscriptions_are_renewed_in_packets_that_the_broker_takes()
    {
        var broker = new ScriptedBroker();
        await using var client = new MqttClient(broker.Options);
        await client.StartAsync();
        var peer = await broker.WelcomeAsync();
        var subscribing = client.SubscribeAsync([.. Enumerable.Range(0, 8).Select(i => new MqttSubscription($"topic/{i}"))]);
        var subscribe = (await peer.ExpectAsync(MqttPacketType.Subscribe)).AsSubscribe();
        await peer.SendAsync(o => new SubAckPacket(subscribe.PacketId, new MqttReasonCode[8]).WriteTo(o, V500));
        await ScriptedBroker.InTime(subscribing);
        peer.Abort();
        peer = await broker.WelcomeAsync(properties: new MqttProperties { MaximumPacketSize = 40 });
        var renewed = new List<string>();
        while (renewed.Count < 8)
        {
            var packet = await peer.ExpectAsync(MqttPacketType.Subscribe);
            packet.Body.Length.ShouldBeLessThanOrEqualTo(38);
            renewed.AddRange(packet.AsSubscribe().Subscriptions.Select(s => s.Filter));
        }

        renewed.ShouldBe([.. Enumerable.Range(0, 8).Select(i => $"topic/{i}")], ignoreOrder: true);
        client.Abort();
    }

    [Fact]
    public async Task What_no_packet_can_carry_is_the_callers_error()
    {
        var broker = new ScriptedBroker();
        await using var client = new MqttClient(broker.Options);
        await broker.ConnectAsync(client);
        MqttProperties[] wrong =
        [
            new() { ResponseTopic = "a/#" }, new() { PayloadFormatIndicator = 2 }, new() { ContentType = "a\0" }, new() { ContentType = "\uD800" },
            new() { SubscriptionIdentifiers = [1] }, new() { TopicAlias = 1 }, new() { SessionExpiryInterval = 1 },
        ];
        foreach (var properties in wrong)
        {
            await Should.ThrowAsync<ArgumentException>(async () => await client.PublishAsync("t", default, properties: properties));
            await Should.ThrowAsync<ArgumentException>(async () => await client.PublishAsync("t", default, MqttQoS.AtLeastOnce, properties: properties));
        }

        await Should.ThrowAsync<ArgumentException>(async () => await client.PublishAsync("t", default, (MqttQoS)3));
        MqttSubscription[] filters = [new("a", (MqttQoS)3), new("a", RetainHandling: (MqttRetainHandling)3), new("$share/g/a", NoLocal: true), new("a\0b"), new("\uD800")];
        foreach (var filter in filters)
        {
            await Should.ThrowAsync<ArgumentException>(() => client.SubscribeAsync([filter]));
        }

        client.Abort();
    }

    /// <summary>Its failure is of no concern here: the connection ends with the test.</summary>
    private static async Task Swallow(Task task)
    {
        try
        {
            await task;
        }
        catch (MqttNotConnectedException)
        {
            return;
        }
    }
}
