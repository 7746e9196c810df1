using Microsoft.Extensions.Logging.Abstractions;
using SmartLock.Mqtt.Client;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Tests.Client;

public sealed class IncomingTests
{
    private readonly ScriptedBroker _broker = new();
    private readonly Inbox _inbox = new();

    [Fact]
    public async Task A_message_is_acknowledged_after_its_handler_has_returned()
    {
        var release = new TaskCompletionSource();
        await using var client = new MqttClient(_broker.Options, async (_, _) => await release.Task);
        var peer = await _broker.ConnectAsync(client);
        await peer.PublishAsync("t", MqttQoS.AtLeastOnce, 5);
        await peer.BarrierAsync();
        release.SetResult();
        (await peer.ExpectAckAsync(MqttPacketType.PubAck)).PacketId.ShouldBe((ushort)5);
        client.Abort();
    }

    [Fact]
    public async Task A_failing_handler_is_told_to_the_broker_and_does_not_stop_the_next()
    {
        await using var client = new MqttClient(_broker.Options, (m, _) =>
            m.Topic == "bad" ? throw new InvalidOperationException("of the test") : ValueTask.CompletedTask);
        var peer = await _broker.ConnectAsync(client);
        await peer.PublishAsync("bad", MqttQoS.AtLeastOnce, 1);
        await peer.PublishAsync("bad", MqttQoS.ExactlyOnce, 2);
        await peer.PublishAsync("good", MqttQoS.AtLeastOnce, 3);
        (await peer.ExpectAckAsync(MqttPacketType.PubAck)).ReasonCode.ShouldBe(MqttReasonCode.ImplementationSpecificError);
        (await peer.ExpectAckAsync(MqttPacketType.PubRec)).ReasonCode.ShouldBe(MqttReasonCode.ImplementationSpecificError);
        (await peer.ExpectAckAsync(MqttPacketType.PubAck)).ReasonCode.ShouldBe(MqttReasonCode.Success);
        client.Abort();
    }

    [Fact]
    public async Task Manual_acknowledgements_go_out_in_the_order_of_the_messages()
    {
        await using var client = new MqttClient(_broker.Options with { AcknowledgeManually = true }, _inbox.OnMessageAsync);
        var peer = await _broker.ConnectAsync(client);
        await peer.PublishAsync("t", MqttQoS.AtLeastOnce, 1);
        await peer.PublishAsync("t", MqttQoS.AtLeastOnce, 2);
        var first = await _inbox.NextAsync();
        var second = await _inbox.NextAsync();
        await second.AckAsync();
        await peer.BarrierAsync();
        await first.AckAsync(MqttReasonCode.QuotaExceeded);
        await first.AckAsync();
        var ack = await peer.ExpectAckAsync(MqttPacketType.PubAck);
        (ack.PacketId, ack.ReasonCode).ShouldBe(((ushort)1, MqttReasonCode.QuotaExceeded));
        (await peer.ExpectAckAsync(MqttPacketType.PubAck)).PacketId.ShouldBe((ushort)2);
        await peer.BarrierAsync();
        client.Abort();
    }

    [Fact]
    public async Task An_acknowledgement_after_a_reconnect_does_not_answer_another_message()
    {
        await using var client = new MqttClient(_broker.Options with { AcknowledgeManually = true }, _inbox.OnMessageAsync);
        await client.StartAsync();
        var peer = await _broker.WelcomeAsync();
        await peer.PublishAsync("old", MqttQoS.AtLeastOnce, 1);
        var old = await _inbox.NextAsync();
        peer.Abort();
        peer = await _broker.WelcomeAsync();
        await peer.PublishAsync("new", MqttQoS.AtLeastOnce, 1);
        var fresh = await _inbox.NextAsync();
        await old.AckAsync(MqttReasonCode.QuotaExceeded);
        await fresh.AckAsync();
        (await peer.ExpectAckAsync(MqttPacketType.PubAck)).ReasonCode.ShouldBe(MqttReasonCode.Success);
        client.Abort();
    }

    [Fact]
    public async Task A_qos_2_message_sent_again_is_handed_over_once()
    {
        await using var client = new MqttClient(
            _broker.Options with { AcknowledgeManually = true, SessionExpiry = TimeSpan.FromHours(1) },
            _inbox.OnMessageAsync);
        await client.StartAsync();
        var peer = await _broker.WelcomeAsync();
        await peer.PublishAsync("t", MqttQoS.ExactlyOnce, 9);
        var message = await _inbox.NextAsync();
        peer.Abort();

        // Sent again while it is being handled: answered when it is acknowledged, on the connection that is there then.
        peer = await _broker.WelcomeAsync(sessionPresent: true);
        await peer.PublishAsync("t", MqttQoS.ExactlyOnce, 9, duplicate: true);
        await peer.BarrierAsync();
        await message.AckAsync();
        (await peer.ExpectAckAsync(MqttPacketType.PubRec)).PacketId.ShouldBe((ushort)9);
        peer.Abort();

        // PUBREC lost: answered again without another delivery.
        peer = await _broker.WelcomeAsync(sessionPresent: true);
        await peer.PublishAsync("t", MqttQoS.ExactlyOnce, 9, duplicate: true);
        await peer.ExpectAckAsync(MqttPacketType.PubRec);
        await peer.AckAsync(MqttPacketType.PubRel, 9);
        (await peer.ExpectAckAsync(MqttPacketType.PubComp)).ReasonCode.ShouldBe(MqttReasonCode.Success);

        // PUBCOMP lost: the identifier is unknown by now.
        await peer.AckAsync(MqttPacketType.PubRel, 9);
        (await peer.ExpectAckAsync(MqttPacketType.PubComp)).ReasonCode.ShouldBe(MqttReasonCode.PacketIdentifierNotFound);

        // The identifier is free for another message.
        await peer.PublishAsync("next", MqttQoS.ExactlyOnce, 9);
        (await _inbox.NextAsync()).Topic.ShouldBe("next");
        _inbox.IsEmpty.ShouldBeTrue();
        client.Abort();
    }

    [Fact]
    public async Task What_is_sent_again_over_reconnects_does_not_pile_up_before_a_slow_handler()
    {
        var release = new TaskCompletionSource();
        var handled = new List<string>();
        var last = new TaskCompletionSource();
        await using var client = new MqttClient(_broker.Options with { SessionExpiry = TimeSpan.FromHours(1) }, async (m, _) =>
        {
            handled.Add(m.Topic);
            await release.Task;
            if (m.Topic == "last")
            {
                last.SetResult();
            }
        });
        await client.StartAsync();
        var peer = await _broker.WelcomeAsync();
        for (var round = 0; round < 5; round++)
        {
            for (ushort id = 1; id <= 3; id++)
            {
                await peer.PublishAsync($"t/{id}", MqttQoS.AtLeastOnce, id, duplicate: round > 0);
            }

            await peer.BarrierAsync();
            peer.Abort();
            peer = await _broker.WelcomeAsync(sessionPresent: true);
        }

        await peer.PublishAsync("last", MqttQoS.AtLeastOnce, 4);
        await peer.BarrierAsync();
        release.SetResult();
        await ScriptedBroker.InTime(last.Task);

        // The first one was with the handler all the time; what earlier connections brought and the last one did not is gone.
        handled.ShouldBe(["t/1", "last"]);
        client.Abort();
    }

    [Fact]
    public async Task What_lost_sessions_leave_behind_is_bounded()
    {
        var release = new TaskCompletionSource();
        await using var client = new MqttClient(_broker.Options with { ReceiveQueueLimit = 4 }, async (_, _) => await release.Task);
        await client.StartAsync();
        var peer = await _broker.WelcomeAsync();
        for (var round = 0; round < 5; round++)
        {
            for (ushort id = 1; id <= 3; id++)
            {
                await peer.PublishAsync("t", MqttQoS.AtLeastOnce, id);
            }

            await peer.BarrierAsync();
            peer.Abort();
            peer = await _broker.WelcomeAsync(sessionPresent: false);
            await peer.BarrierAsync();
        }

        // Fifteen came, one is with the handler, four may stay.
        client.DroppedMessages.ShouldBe(10);
        release.SetResult();
        client.Abort();
    }

    [Fact]
    public async Task A_handler_may_publish_and_wait_for_the_acknowledgement()
    {
        MqttClient? self = null;
        await using var client = new MqttClient(_broker.Options, async (m, ct) =>
            await self!.PublishAsync("answer", m.Payload, MqttQoS.AtLeastOnce, cancellationToken: ct));
        self = client;
        var peer = await _broker.ConnectAsync(client);
        await peer.PublishAsync("question", MqttQoS.AtLeastOnce, 1);
        await peer.AckAsync(MqttPacketType.PubAck, (await peer.ExpectPublishAsync()).Id);
        await peer.ExpectAckAsync(MqttPacketType.PubAck);
        client.Abort();
    }

    [Fact]
    public async Task Qos_0_messages_beyond_the_queue_are_dropped_and_counted()
    {
        var release = new TaskCompletionSource();
        var entered = new TaskCompletionSource();
        var handled = new List<string>();
        await using var client = new MqttClient(
            _broker.Options with { ReceiveQueueLimit = 3 },
            async (m, _) =>
            {
                handled.Add(m.Topic);
                entered.TrySetResult();
                await release.Task;
            },
            logger: NullLogger.Instance);
        var peer = await _broker.ConnectAsync(client);
        await peer.PublishAsync("busy", MqttQoS.AtMostOnce);
        await ScriptedBroker.InTime(entered.Task);
        for (var i = 0; i < 5; i++)
        {
            await peer.PublishAsync($"t/{i}", MqttQoS.AtMostOnce);
        }

        await peer.PublishAsync("sure", MqttQoS.AtLeastOnce, 1);
        await peer.BarrierAsync();
        release.SetResult();
        await peer.ExpectAckAsync(MqttPacketType.PubAck);
        handled.ShouldBe(["busy", "t/0", "t/1", "t/2", "sure"]);
        client.DroppedMessages.ShouldBe(2);
        client.Abort();
    }

    [Fact]
    public async Task Topic_aliases_of_the_broker_are_resolved()
    {
        await using var client = new MqttClient(_broker.Options, _inbox.OnMessageAsync);
        var peer = await _broker.ConnectAsync(client);
        await peer.PublishAsync("one", MqttQoS.AtMostOnce, alias: 16);
        await peer.PublishAsync(string.Empty, MqttQoS.AtMostOnce, alias: 16);
        await peer.PublishAsync("two", MqttQoS.AtMostOnce, alias: 16);
        await peer.PublishAsync(string.Empty, MqttQoS.AtMostOnce, alias: 16);
        foreach (var topic in new[] { "one", "one", "two", "two" })
        {
            (await _inbox.NextAsync()).Topic.ShouldBe(topic);
        }

        client.Abort();
    }

    public static TheoryData<string, MqttReasonCode, byte[]> Violations() => new()
    {
        { "alias beyond the maximum", MqttReasonCode.TopicAliasInvalid, [0x30, 7, 0, 1, 97, 3, 0x23, 0, 17] },
        { "alias without a topic", MqttReasonCode.ProtocolError, [0x30, 6, 0, 0, 3, 0x23, 0, 3] },
        { "too large", MqttReasonCode.PacketTooLarge, [0x30, 0xFF, 0x7F] },
        { "malformed", MqttReasonCode.MalformedPacket, [0x30, 1, 0] },
        { "wildcard", MqttReasonCode.TopicNameInvalid, [0x30, 4, 0, 1, 35, 0] },
        { "packet of a client", MqttReasonCode.ProtocolError, [0xC0, 0] },
        { "second CONNACK", MqttReasonCode.ProtocolError, [0x20, 3, 0, 0, 0] },
        { "answer without a question", MqttReasonCode.ProtocolError, [0x90, 4, 0, 1, 0, 0] },
        { "AUTH", MqttReasonCode.ProtocolError, [0xF0, 0] },
        {
            "over the receive maximum", MqttReasonCode.ReceiveMaximumExceeded,
            [0x32, 6, 0, 1, 97, 0, 1, 0, 0x32, 6, 0, 1, 97, 0, 2, 0, 0x34, 6, 0, 1, 97, 0, 3, 0]
        },
    };

    [Theory]
    [MemberData(nameof(Violations))]
    public async Task A_broker_that_breaks_the_rules_is_told_so_and_left(string rule, MqttReasonCode expected, byte[] bytes)
    {
        var options = _broker.Options with { MaximumPacketSize = 1_000, ReceiveMaximum = 2, AcknowledgeManually = true };
        await using var client = new MqttClient(options, _inbox.OnMessageAsync);
        var ending = new Ending(client);
        var peer = await _broker.ConnectAsync(client);
        await peer.SendRawAsync(bytes);
        (await peer.FarewellAsync()).ShouldBe(expected, rule);
        var end = await ending.Task;
        end.Cause.ShouldBe(MqttDisconnectCause.ProtocolViolation);
        end.ReasonCode.ShouldBe(expected);
    }

    [Fact]
    public async Task A_disconnect_of_the_broker_is_reported_with_its_reason()
    {
        await using var client = new MqttClient(_broker.Options);
        var ending = new Ending(client);
        var peer = await _broker.ConnectAsync(client);
        await peer.SendAsync(o => new DisconnectPacket(MqttReasonCode.SessionTakenOver).WriteTo(o, _broker.Version));
        var end = await ending.Task;
        end.Cause.ShouldBe(MqttDisconnectCause.ByServer);
        end.ReasonCode.ShouldBe(MqttReasonCode.SessionTakenOver);
    }

    [Fact]
    public async Task A_closed_connection_is_reported_as_lost()
    {
        await using var client = new MqttClient(_broker.Options);
        var ending = new Ending(client);
        var peer = await _broker.ConnectAsync(client);
        await peer.CloseAsync();
        (await ending.Task).Cause.ShouldBe(MqttDisconnectCause.ConnectionLost);
        (await client.PublishAsync("t", default)).Outcome.ShouldBe(MqttPublishOutcome.NotConnected);
    }
}
