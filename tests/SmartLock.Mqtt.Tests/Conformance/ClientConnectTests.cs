using SmartLock.Mqtt.Client;
using SmartLock.Mqtt.Packets;
using SmartLock.Mqtt.Tests.Client;
using static SmartLock.Mqtt.Tests.Conformance.Raw;

namespace SmartLock.Mqtt.Tests.Conformance;

/// <summary>What a client must keep from CONNECT to the end of the connection; the test plays the broker.</summary>
public sealed class ClientConnectTests
{
    public static TheoryData<MqttProtocolVersion> Versions => Raw.Versions;

    [Theory]
    [InlineData(V311, false, false, false)]
    [InlineData(V311, true, true, false)]
    [InlineData(V311, true, true, true)]
    [InlineData(V500, false, false, false)]
    [InlineData(V500, true, false, true)]
    [InlineData(V500, false, true, true)]
    public async Task A_connect_comes_first_and_its_fields_follow_its_flags_in_order(MqttProtocolVersion version, bool will, bool user, bool password)
    {
        var broker = new ScriptedBroker { Version = version };
        await using var client = new MqttClient(broker.Options with
        {
            KeepAlive = TimeSpan.FromSeconds(10),
            ReceiveMaximum = 9,
            MaximumPacketSize = 0x01020304,
            TopicAliasMaximum = 0,
            Will = will ? new MqttWill("w", "m"u8.ToArray()) { QoS = MqttQoS.AtLeastOnce, Retain = true } : null,
            UserName = user ? "u" : null,
            Password = password ? "p" : null,
        });
        var connecting = client.ConnectAsync();
        var peer = await broker.AcceptAsync();
        var packet = await peer.ExpectAsync(MqttPacketType.Connect);
        packet.Header.ShouldBe((byte)0x10);
        byte[] properties = version == V500 ? [8, 0x21, 0, 9, 0x27, 1, 2, 3, 4] : [];
        byte[] willFields = will ? [.. NoProperties(version), .. Text("w"), .. Text("m")] : [];
        packet.Body.ShouldBe(
        [
            0, 4, .. "MQTT"u8, (byte)version, (byte)(0x02 | (will ? 0x2C : 0) | (password ? 0x40 : 0) | (user ? 0x80 : 0)), 0, 10, .. properties,
            .. Text("device"), .. willFields, .. user ? Text("u") : [], .. password ? Text("p") : [],
        ]);
        peer.Abort();
        await Should.ThrowAsync<MqttConnectException>(connecting);
    }

    [Fact]
    public void Options_that_no_connect_can_carry_are_refused()
    {
        var options = new MqttClientOptions();
        Should.Throw<ArgumentException>(() => new MqttClient(options with { ProtocolVersion = V311, CleanStart = false }));
        Should.Throw<ArgumentException>(() => new MqttClient(options with { ProtocolVersion = V311, Password = "p" }));
        Should.Throw<ArgumentException>(() => new MqttClient(options with { Will = new MqttWill("w", default) { QoS = (MqttQoS)3 } }));
    }

    [Theory]
    [InlineData("a\0b", null, null)]
    [InlineData("surrogate", null, null)]
    [InlineData("c", "a\0b", null)]
    [InlineData("c", null, "a/#")]
    public async Task Text_that_may_not_be_sent_is_not(string clientId, string? userName, string? responseTopic)
    {
        var broker = new ScriptedBroker();
        var properties = responseTopic is null ? null : new MqttProperties { ResponseTopic = responseTopic };
        await using var client = new MqttClient(broker.Options with
        {
            // A lone surrogate would not survive the test's own data.
            ClientId = clientId == "surrogate" ? "\uD800" : clientId,
            UserName = userName,
            Will = new MqttWill("w", default) { Properties = properties },
        });
        var failure = await Should.ThrowAsync<MqttConnectException>(() => client.ConnectAsync());
        failure.InnerException.ShouldBeAssignableTo<ArgumentException>();
        await (await broker.AcceptAsync()).ExpectEndAsync();
    }

    public static TheoryData<MqttProtocolVersion, byte[], MqttReasonCode> Violations()
    {
        var all = new TheoryData<MqttProtocolVersion, byte[], MqttReasonCode>
        {
            { V500, [0xE1, 0], MqttReasonCode.MalformedPacket },
            { V500, [0xF1, 0], MqttReasonCode.MalformedPacket },
            { V500, [0x90, 4, 0, 1, 0, 0x05], MqttReasonCode.ProtocolError },
            { V311, [0xE0, 0], MqttReasonCode.ProtocolError },
            { V311, [0x90, 3, 0, 1, 3], MqttReasonCode.MalformedPacket },
        };
        foreach (var version in new[] { V311, V500 })
        {
            byte[] none = NoProperties(version);
            all.Add(version, [0x00, 0], MqttReasonCode.MalformedPacket);
            all.Add(version, [0x41, 2, 0, 1], MqttReasonCode.MalformedPacket);
            all.Add(version, [0x60, 2, 0, 1], MqttReasonCode.MalformedPacket);
            all.Add(version, [0xD2, 0], MqttReasonCode.MalformedPacket);
            all.Add(version, Raw.Publish(version, 0x06, Text("t"), id: [0, 1]), MqttReasonCode.MalformedPacket);
            all.Add(version, Raw.Publish(version, 0x02, Text("t"), id: [0, 0]), MqttReasonCode.ProtocolError);
            all.Add(version, Raw.Publish(version, 0, Text([0xED, 0xA0, 0x80])), MqttReasonCode.MalformedPacket);
            all.Add(version, Raw.Publish(version, 0, Text([97, 0])), MqttReasonCode.MalformedPacket);
            all.Add(version, Raw.Publish(version, 0, Text("a/+")), MqttReasonCode.TopicNameInvalid);
            all.Add(version, [0x20, (byte)(2 + none.Length), 0, 0, .. none], MqttReasonCode.ProtocolError);
            all.Add(version, [0xC0, 0], MqttReasonCode.ProtocolError);
            all.Add(version, [0x82, 0], MqttReasonCode.ProtocolError);
        }

        return all;
    }

    [Theory]
    [MemberData(nameof(Violations))]
    public async Task A_broker_that_breaks_the_protocol_is_left(MqttProtocolVersion version, byte[] bytes, MqttReasonCode expected)
    {
        var broker = new ScriptedBroker { Version = version };
        await using var client = new MqttClient(broker.Options);
        var ending = new Ending(client);
        var peer = await broker.ConnectAsync(client);
        await peer.SendRawAsync(bytes);
        if (version == V500)
        {
            (await peer.FarewellAsync()).ShouldBe(expected);
        }
        else
        {
            await peer.ExpectEndAsync();
        }

        var end = await ending.Task;
        (end.Cause, end.ReasonCode).ShouldBe((MqttDisconnectCause.ProtocolViolation, expected));
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_session_that_was_not_asked_for_ends_the_connection(MqttProtocolVersion version)
    {
        var broker = new ScriptedBroker { Version = version };
        await using var client = new MqttClient(broker.Options);
        var connecting = client.ConnectAsync();
        var peer = await broker.AcceptAsync();
        await peer.ExpectAsync(MqttPacketType.Connect);
        await peer.SendAsync(o => new ConnAckPacket(true, MqttReasonCode.Success).WriteTo(o, version));
        await Should.ThrowAsync<MqttConnectException>(connecting);
        await peer.ExpectEndAsync();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_byte_order_mark_is_kept(MqttProtocolVersion version)
    {
        var broker = new ScriptedBroker { Version = version };
        var inbox = new Inbox();
        await using var client = new MqttClient(broker.Options, inbox.OnMessageAsync);
        var peer = await broker.ConnectAsync(client);
        await peer.SendRawAsync(Raw.Publish(version, 0, Text([0xEF, 0xBB, 0xBF, 97])));
        (await inbox.NextAsync()).Topic.ShouldBe("\uFEFFa");
        client.Abort();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Nothing_follows_a_disconnect_and_the_connection_is_closed(MqttProtocolVersion version)
    {
        var broker = new ScriptedBroker { Version = version };
        await using var client = new MqttClient(broker.Options);
        var ending = new Ending(client);
        var peer = await broker.ConnectAsync(client);

        // More than the network takes at once, so that the goodbye waits while others still want to send.
        var large = client.PublishAsync("t", new byte[200_000]).AsTask();
        var leaving = client.DisconnectAsync();
        var late = client.PublishAsync("late", default, MqttQoS.AtLeastOnce).AsTask();
        (await ScriptedBroker.InTime(client.PublishAsync("late", default).AsTask())).Outcome.ShouldBe(MqttPublishOutcome.NotConnected);
        var again = client.DisconnectAsync();
        (await peer.ExpectPublishAsync()).Topic.ShouldBe("t");
        await peer.ExpectAsync(MqttPacketType.Disconnect);
        await peer.ExpectEndAsync();
        await peer.CloseAsync();
        await ScriptedBroker.InTime(Task.WhenAll(leaving, again));
        (await ScriptedBroker.InTime(large)).IsDelivered.ShouldBeTrue();
        (await ending.Task).Cause.ShouldBe(MqttDisconnectCause.Requested);

        // What came too late is sent by the next connection.
        var next = await broker.ConnectAsync(client);
        var publish = await next.ExpectPublishAsync();
        publish.Topic.ShouldBe("late");
        await next.AckAsync(MqttPacketType.PubAck, publish.Id);
        (await ScriptedBroker.InTime(late)).IsDelivered.ShouldBeTrue();
        client.Abort();
    }

    [Fact]
    public async Task Only_reason_codes_of_a_packet_are_sent_in_it()
    {
        var broker = new ScriptedBroker();
        var inbox = new Inbox();
        await using var client = new MqttClient(broker.Options with { AcknowledgeManually = true }, inbox.OnMessageAsync);
        var peer = await broker.ConnectAsync(client);
        await Should.ThrowAsync<ArgumentOutOfRangeException>(() => client.DisconnectAsync(MqttReasonCode.BadUserNameOrPassword));
        await peer.PublishAsync("t", MqttQoS.AtLeastOnce, 1);
        var message = await inbox.NextAsync();
        await Should.ThrowAsync<ArgumentOutOfRangeException>(async () => await message.AckAsync(MqttReasonCode.KeepAliveTimeout));
        await message.AckAsync(MqttReasonCode.PayloadFormatInvalid);
        (await peer.ExpectAckAsync(MqttPacketType.PubAck)).ReasonCode.ShouldBe(MqttReasonCode.PayloadFormatInvalid);
        client.Abort();
    }
}
