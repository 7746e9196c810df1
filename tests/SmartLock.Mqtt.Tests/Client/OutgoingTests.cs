using SmartLock.Mqtt.Client;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Tests.Client;

public sealed class OutgoingTests
{
    private readonly ScriptedBroker _broker = new();

    [Fact]
    public async Task Qos_0_without_a_connection_fails_at_once_and_qos_1_waits()
    {
        await using var client = new MqttClient(_broker.Options);
        (await client.PublishAsync("a", default)).Outcome.ShouldBe(MqttPublishOutcome.NotConnected);
        var queued = client.PublishAsync("b", default, MqttQoS.AtLeastOnce).AsTask();
        queued.IsCompleted.ShouldBeFalse();
        var peer = await _broker.ConnectAsync(client);
        var publish = await peer.ExpectPublishAsync();
        publish.Duplicate.ShouldBeFalse();
        await peer.AckAsync(MqttPacketType.PubAck, publish.Id, MqttReasonCode.NoMatchingSubscribers);
        var result = await ScriptedBroker.InTime(queued);
        result.ShouldBe(new MqttPublishResult(MqttPublishOutcome.Delivered, MqttReasonCode.NoMatchingSubscribers));
        client.Abort();
    }

    [Fact]
    public async Task A_refusing_puback_is_a_result()
    {
        await using var client = new MqttClient(_broker.Options);
        var peer = await _broker.ConnectAsync(client);
        var publishing = client.PublishAsync("b", default, MqttQoS.AtLeastOnce).AsTask();
        await peer.AckAsync(MqttPacketType.PubAck, (await peer.ExpectPublishAsync()).Id, MqttReasonCode.NotAuthorized);
        (await ScriptedBroker.InTime(publishing)).ShouldBe(MqttPublishResult.Refused(MqttReasonCode.NotAuthorized));
        client.Abort();
    }

    [Fact]
    public async Task After_a_reconnect_the_unacknowledged_is_sent_again_in_order_with_dup_and_its_id()
    {
        await using var client = new MqttClient(_broker.Options with { SessionExpiry = TimeSpan.FromHours(1) });
        await client.StartAsync();
        var peer = await _broker.WelcomeAsync();
        var publishes = new List<Task<MqttPublishResult>>();
        for (var i = 0; i < 4; i++)
        {
            publishes.Add(client.PublishAsync($"t/{i}", default, i == 1 ? MqttQoS.ExactlyOnce : MqttQoS.AtLeastOnce).AsTask());
        }

        var ids = new List<ushort>();
        for (var i = 0; i < 4; i++)
        {
            ids.Add((await peer.ExpectPublishAsync()).Id);
        }

        ids.Distinct().Count().ShouldBe(4);
        await peer.AckAsync(MqttPacketType.PubAck, ids[2]);
        await ScriptedBroker.InTime(publishes[2]);
        peer.Abort();

        peer = await _broker.WelcomeAsync(sessionPresent: true);
        foreach (var i in new[] { 0, 1, 3 })
        {
            var again = await peer.ExpectPublishAsync();
            again.Topic.ShouldBe($"t/{i}");
            again.Id.ShouldBe(ids[i]);
            again.Duplicate.ShouldBeTrue();
        }

        await peer.AckAsync(MqttPacketType.PubAck, ids[0]);
        await peer.AckAsync(MqttPacketType.PubRec, ids[1]);
        await peer.ExpectAckAsync(MqttPacketType.PubRel);
        await peer.AckAsync(MqttPacketType.PubComp, ids[1]);
        await peer.AckAsync(MqttPacketType.PubAck, ids[3]);
        (await ScriptedBroker.InTime(Task.WhenAll(publishes))).ShouldAllBe(r => r.IsDelivered);
        client.Abort();
    }

    [Fact]
    public async Task Where_the_session_is_gone_it_is_sent_as_new_and_subscriptions_are_renewed_first()
    {
        await using var client = new MqttClient(_broker.Options);
        await client.StartAsync();
        var subscribing = client.SubscribeAsync("news", MqttQoS.AtLeastOnce);
        var peer = await _broker.WelcomeAsync();
        var subscribe = (await peer.ExpectAsync(MqttPacketType.Subscribe)).AsSubscribe();
        await peer.SendAsync(o => new SubAckPacket(subscribe.PacketId, [MqttReasonCode.GrantedQoS1]).WriteTo(o, _broker.Version));
        await ScriptedBroker.InTime(subscribing);
        var publishing = client.PublishAsync("t", default, MqttQoS.AtLeastOnce).AsTask();
        await peer.ExpectPublishAsync();
        peer.Abort();

        peer = await _broker.WelcomeAsync(sessionPresent: false);
        (await peer.ExpectAsync(MqttPacketType.Subscribe)).AsSubscribe().Subscriptions
            .ShouldBe([new MqttSubscription("news", MqttQoS.AtLeastOnce)]);
        var publish = await peer.ExpectPublishAsync();
        publish.Duplicate.ShouldBeFalse();
        await peer.AckAsync(MqttPacketType.PubAck, publish.Id);
        (await ScriptedBroker.InTime(publishing)).IsDelivered.ShouldBeTrue();
        client.Abort();
    }

    /// <summary>The connection is lost after each step of the handshake in turn.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_qos_2_exchange_ends_once_however_it_is_interrupted(int lostStep)
    {
        await using var client = new MqttClient(_broker.Options with { SessionExpiry = TimeSpan.FromHours(1) });
        await client.StartAsync();
        var peer = await _broker.WelcomeAsync();
        var publishing = client.PublishAsync("t", default, MqttQoS.ExactlyOnce).AsTask();
        var id = (await peer.ExpectPublishAsync()).Id;
        if (lostStep >= 1)
        {
            await peer.AckAsync(MqttPacketType.PubRec, id);
        }

        if (lostStep >= 2)
        {
            (await peer.ExpectAckAsync(MqttPacketType.PubRel)).PacketId.ShouldBe(id);
        }

        if (lostStep >= 3)
        {
            // The PUBCOMP goes out but the link dies right behind it; whether it arrives is open.
            await peer.AckAsync(MqttPacketType.PubComp, id);
            (await ScriptedBroker.InTime(publishing)).IsDelivered.ShouldBeTrue();
            peer.Abort();
            client.Abort();
            return;
        }

        peer.Abort();
        peer = await _broker.WelcomeAsync(sessionPresent: true);
        var next = (await peer.NextAsync()).ShouldNotBeNull();
        if (lostStep == 0)
        {
            next.AsPublish().ShouldBe(new PublishFrame("t", string.Empty, MqttQoS.ExactlyOnce, id, true, false, 0));
        }
        else if (lostStep == 2)
        {
            next.Type.ShouldBe(MqttPacketType.PubRel);
        }

        // In step 1 the PUBREC may or may not have been read before the loss: both continuations are right.
        if (next.Type == MqttPacketType.Publish)
        {
            await peer.AckAsync(MqttPacketType.PubRec, id);
            next = await peer.ExpectAsync(MqttPacketType.PubRel);
        }

        next.AsAck().PacketId.ShouldBe(id);
        publishing.IsCompleted.ShouldBeFalse();
        await peer.AckAsync(MqttPacketType.PubComp, id);
        (await ScriptedBroker.InTime(publishing)).IsDelivered.ShouldBeTrue();
        client.Abort();
    }

    [Fact]
    public async Task Past_pubrec_a_message_counts_as_delivered_when_the_session_is_gone()
    {
        await using var client = new MqttClient(_broker.Options);
        await client.StartAsync();
        var peer = await _broker.WelcomeAsync();
        var publishing = client.PublishAsync("t", default, MqttQoS.ExactlyOnce).AsTask();
        await peer.AckAsync(MqttPacketType.PubRec, (await peer.ExpectPublishAsync()).Id);
        await peer.ExpectAckAsync(MqttPacketType.PubRel);
        peer.Abort();
        await _broker.WelcomeAsync(sessionPresent: false);
        (await ScriptedBroker.InTime(publishing)).IsDelivered.ShouldBeTrue();
        client.Abort();
    }

    [Fact]
    public async Task The_brokers_receive_maximum_is_respected()
    {
        await using var client = new MqttClient(_broker.Options);
        var peer = await _broker.ConnectAsync(client, new MqttProperties { ReceiveMaximum = 2 });
        var publishes = Enumerable.Range(0, 5)
            .Select(i => client.PublishAsync($"t/{i}", default, i % 2 == 0 ? MqttQoS.AtLeastOnce : MqttQoS.ExactlyOnce).AsTask())
            .ToArray();

        // QoS 0 is not limited, and being behind the others it shows that no third one was sent.
        await client.PublishAsync("mark", default);
        var first = await peer.ExpectPublishAsync();
        var second = await peer.ExpectPublishAsync();
        (await peer.ExpectPublishAsync()).Topic.ShouldBe("mark");

        // PUBREC does not free a place, PUBCOMP does.
        await peer.AckAsync(MqttPacketType.PubRec, second.Id);
        await peer.ExpectAckAsync(MqttPacketType.PubRel);
        await peer.AckAsync(MqttPacketType.PubComp, second.Id);
        var third = await peer.ExpectPublishAsync();
        third.Topic.ShouldBe("t/2");
        await peer.AckAsync(MqttPacketType.PubAck, first.Id);
        var fourth = await peer.ExpectPublishAsync();

        // A refusing PUBREC ends the exchange and frees a place.
        await peer.AckAsync(MqttPacketType.PubRec, fourth.Id, MqttReasonCode.QuotaExceeded);
        (await ScriptedBroker.InTime(publishes[3])).ReasonCode.ShouldBe(MqttReasonCode.QuotaExceeded);
        (await peer.ExpectPublishAsync()).Topic.ShouldBe("t/4");
        client.Abort();
    }

    [Fact]
    public async Task At_the_bound_a_publisher_waits_for_a_place()
    {
        await using var client = new MqttClient(_broker.Options with { MaxPending = 2 });
        var peer = await _broker.ConnectAsync(client);
        _ = client.PublishAsync("t/0", default, MqttQoS.AtLeastOnce).AsTask();
        _ = client.PublishAsync("t/1", default, MqttQoS.AtLeastOnce).AsTask();
        var third = client.PublishAsync("t/2", default, MqttQoS.AtLeastOnce).AsTask();
        await client.PublishAsync("mark", default);
        var first = await peer.ExpectPublishAsync();
        await peer.ExpectPublishAsync();
        (await peer.ExpectPublishAsync()).Topic.ShouldBe("mark");
        await peer.AckAsync(MqttPacketType.PubAck, first.Id);
        var last = await peer.ExpectPublishAsync();
        last.Topic.ShouldBe("t/2");
        await peer.AckAsync(MqttPacketType.PubAck, last.Id);
        (await ScriptedBroker.InTime(third)).IsDelivered.ShouldBeTrue();
        client.Abort();
    }

    [Fact]
    public async Task What_the_broker_does_not_take_is_refused_here()
    {
        await using var client = new MqttClient(_broker.Options);
        var limits = new MqttProperties { MaximumPacketSize = 100, RetainAvailable = false, MaximumQoS = MqttQoS.AtLeastOnce };
        await _broker.ConnectAsync(client, limits);
        (await client.PublishAsync("t", new byte[100])).ReasonCode.ShouldBe(MqttReasonCode.PacketTooLarge);
        (await client.PublishAsync("t", new byte[100], MqttQoS.AtLeastOnce)).ReasonCode.ShouldBe(MqttReasonCode.PacketTooLarge);
        (await client.PublishAsync("t", default, MqttQoS.ExactlyOnce)).ReasonCode.ShouldBe(MqttReasonCode.QoSNotSupported);
        (await client.PublishAsync("t", default, retain: true)).ReasonCode.ShouldBe(MqttReasonCode.RetainNotSupported);
        (await client.PublishAsync("t", new byte[50])).IsDelivered.ShouldBeTrue();
        client.Abort();
    }

    [Fact]
    public async Task Topics_are_sent_once_and_then_by_their_alias()
    {
        await using var client = new MqttClient(_broker.Options);
        var peer = await _broker.ConnectAsync(client, new MqttProperties { TopicAliasMaximum = 2 });
        foreach (var topic in new[] { "a", "b", "c", "a", "b", "c" })
        {
            await client.PublishAsync(topic, default);
        }

        var sent = new List<(string, ushort)>();
        for (var i = 0; i < 6; i++)
        {
            var publish = await peer.ExpectPublishAsync();
            sent.Add((publish.Topic, publish.Alias));
        }

        sent.ShouldBe([("a", (ushort)1), ("b", (ushort)2), ("c", (ushort)0), ("", (ushort)1), ("", (ushort)2), ("c", (ushort)0)]);
        client.Abort();
    }

    [Fact]
    public async Task Disposal_tells_waiting_publishers_that_they_are_abandoned()
    {
        var client = new MqttClient(_broker.Options with { MaxPending = 1 });
        var queued = client.PublishAsync("a", default, MqttQoS.AtLeastOnce).AsTask();
        var waiting = client.PublishAsync("b", default, MqttQoS.AtLeastOnce).AsTask();
        var waitingToo = client.PublishAsync("c", default, MqttQoS.AtLeastOnce).AsTask();
        await client.DisposeAsync();
        foreach (var publish in new[] { queued, waiting, waitingToo })
        {
            (await ScriptedBroker.InTime(publish)).Outcome.ShouldBe(MqttPublishOutcome.Abandoned);
        }

        await Should.ThrowAsync<ObjectDisposedException>(async () => await client.PublishAsync("d", default));
    }

    [Fact]
    public async Task Faulty_messages_are_the_callers_error()
    {
        await using var client = new MqttClient(_broker.Options);
        await Should.ThrowAsync<ArgumentException>(async () => await client.PublishAsync("a/#", default));
        var alias = new MqttProperties { TopicAlias = 1 };
        await Should.ThrowAsync<ArgumentException>(async () => await client.PublishAsync("a", default, properties: alias));
        await Should.ThrowAsync<ArgumentException>(() => client.SubscribeAsync("a/#/b"));
        await Should.ThrowAsync<ArgumentException>(() => client.SubscribeAsync([]));
        await Should.ThrowAsync<MqttNotConnectedException>(() => client.SubscribeAsync("a"));
    }
}
