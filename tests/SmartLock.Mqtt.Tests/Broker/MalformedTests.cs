using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Tests.Broker;

public sealed class MalformedTests
{
    /// <summary>Bytes sent on an accepted v5 connection, and what the broker says before it closes.</summary>
    public static TheoryData<string, string, MqttReasonCode> Packets => new()
    {
        { "packet type 0", "00 00", MqttReasonCode.MalformedPacket },
        { "reserved flags", "C1 00", MqttReasonCode.MalformedPacket },
        { "remaining length of five bytes", "30 FF FF FF FF 01", MqttReasonCode.MalformedPacket },
        { "QoS 3", "36 05 00 01 61 00 01", MqttReasonCode.MalformedPacket },
        { "duplicate at QoS 0", "38 04 00 01 61 00", MqttReasonCode.MalformedPacket },
        { "topic cut short", "30 03 00 09 61", MqttReasonCode.MalformedPacket },
        { "topic not UTF-8", "30 05 00 02 C3 28 00", MqttReasonCode.MalformedPacket },
        { "topic with a wildcard", "30 04 00 01 23 00", MqttReasonCode.TopicNameInvalid },
        { "no topic and no alias", "30 03 00 00 00", MqttReasonCode.ProtocolError },
        { "packet identifier zero", "32 06 00 01 61 00 00 00", MqttReasonCode.ProtocolError },
        { "property that a PUBLISH has not", "30 09 00 01 61 05 11 00 00 00 01", MqttReasonCode.MalformedPacket },
        { "property twice", "30 08 00 01 61 04 01 00 01 00", MqttReasonCode.ProtocolError },
        { "property length past the end", "30 05 00 01 61 09 00", MqttReasonCode.MalformedPacket },
        { "alias zero", "30 07 00 01 61 03 23 00 00", MqttReasonCode.TopicAliasInvalid },
        { "subscription identifier from a client", "30 06 00 01 61 02 0B 01", MqttReasonCode.ProtocolError },
        { "second CONNECT", "10 0F 00 04 4D 51 54 54 05 02 00 00 00 00 02 78 79", MqttReasonCode.ProtocolError },
        { "CONNACK from a client", "20 03 00 00 00", MqttReasonCode.ProtocolError },
        { "PINGRESP from a client", "D0 00", MqttReasonCode.ProtocolError },
        { "PINGREQ with a body", "C0 01 00", MqttReasonCode.MalformedPacket },
        { "SUBSCRIBE without a filter", "82 03 00 01 00", MqttReasonCode.ProtocolError },
        { "SUBSCRIBE with wrong flags", "80 07 00 01 00 00 01 61 00", MqttReasonCode.MalformedPacket },
        { "SUBSCRIBE to a misplaced wildcard", "82 09 00 01 00 00 03 61 23 62 00", MqttReasonCode.TopicFilterInvalid },
        { "SUBSCRIBE with reserved options", "82 07 00 01 00 00 01 61 C0", MqttReasonCode.MalformedPacket },
        { "shared subscription that is no-local", "82 10 00 01 00 00 0A 24 73 68 61 72 65 2F 67 2F 61 04", MqttReasonCode.ProtocolError },
        { "UNSUBSCRIBE without a filter", "A2 03 00 01 00", MqttReasonCode.ProtocolError },
        { "PUBACK cut short", "40 01 00", MqttReasonCode.MalformedPacket },
        { "AUTH", "F0 00", MqttReasonCode.ProtocolError },
    };

    [Theory]
    [MemberData(nameof(Packets))]
    public async Task A_v5_client_is_told_what_it_broke(string what, string hex, MqttReasonCode expected)
    {
        await using var broker = new TestBroker();
        var bystander = await broker.ConnectAsync("bystander");
        var client = await broker.ConnectAsync("c");
        await client.SendAsync(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));
        (await client.ReadDisconnectAsync()).ShouldBe(expected, what);
        broker.Statistics.ProtocolErrors.ShouldBe(1);
        await bystander.ShouldHaveNothingAsync();
    }

    [Theory]
    [InlineData("00 00")]
    [InlineData("30 03 00 01 23")]
    [InlineData("32 05 00 01 61 00 00")]
    [InlineData("82 02 00 01")]
    [InlineData("F0 00")]
    public async Task A_v3_client_is_just_closed(string hex)
    {
        await using var broker = new TestBroker();
        var bystander = await broker.ConnectAsync("bystander");
        var client = await broker.ConnectAsync("c", MqttProtocolVersion.V311);
        await client.SendAsync(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));
        (await client.TryReadAsync()).ShouldBeNull();
        await bystander.ShouldHaveNothingAsync();
    }

    [Theory]
    [InlineData("47 45 54 20 2F 20 48 54 54 50 2F 31 2E 31 0D 0A")]
    [InlineData("16 03 01 02 00 01 00 01 FC 03 03")]
    [InlineData("30 04 00 01 61 00")]
    [InlineData("C0 00")]
    public async Task Whoever_does_not_begin_with_a_connect_is_closed_without_a_word(string hex)
    {
        await using var broker = new TestBroker();
        var client = broker.Open();
        await client.SendAsync(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));
        (await client.TryReadAsync()).ShouldBeNull();
    }

    [Theory]
    [InlineData("10 0F 00 04 4D 51 54 54 06 02 00 00 00 00 02 78 79", 4, MqttReasonCode.UnsupportedProtocolVersion)]
    [InlineData("10 10 00 06 4D 51 49 73 64 70 03 02 00 00 00 02 78 79", 4, MqttReasonCode.UnsupportedProtocolVersion)]
    [InlineData("10 0F 00 04 4D 51 54 54 05 03 00 00 00 00 02 78 79", 5, MqttReasonCode.MalformedPacket)]
    [InlineData("10 0E 00 04 4D 51 54 54 05 02 00 00 00 00 02 78", 5, MqttReasonCode.MalformedPacket)]
    [InlineData("10 14 00 04 4D 51 54 54 05 02 00 00 05 15 00 02 61 61 00 02 78 79", 5, MqttReasonCode.BadAuthenticationMethod)]
    public async Task A_faulty_connect_is_answered(string hex, int version, MqttReasonCode expected)
    {
        await using var broker = new TestBroker();
        var client = broker.Open();
        await client.SendAsync(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));
        var answer = await client.ReadAsync();
        answer.Type.ShouldBe(MqttPacketType.ConnAck);
        ConnAckPacket.Read(answer.Body, (MqttProtocolVersion)version).ReasonCode.ShouldBe(expected);
        (await client.TryReadAsync()).ShouldBeNull();
    }

    [Fact]
    public async Task Packets_in_any_pieces_are_read_alike()
    {
        await using var broker = new TestBroker();
        var seen = 0;
        broker.Broker.Subscribe("#", (in SmartLock.Mqtt.Broker.InboundMessage _) => seen++);
        var bytes = new System.Buffers.ArrayBufferWriter<byte>();
        TestBroker.Connect("c").WriteTo(bytes);
        var client = broker.Open();
        for (var i = 0; i < 50; i++)
        {
            client.WritePublish(bytes, "a/b", new string('x', i));
        }

        PingPackets.WriteRequest(bytes);
        for (var start = 0; start < bytes.WrittenCount; start += 3)
        {
            await client.SendAsync(bytes.WrittenMemory[start..Math.Min(bytes.WrittenCount, start + 3)].ToArray());
        }

        (await client.ReadAsync()).Type.ShouldBe(MqttPacketType.ConnAck);
        (await client.ReadAsync()).Type.ShouldBe(MqttPacketType.PingResp);
        seen.ShouldBe(50);
    }
}
