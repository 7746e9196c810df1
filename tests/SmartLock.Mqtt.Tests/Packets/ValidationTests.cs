using System.Buffers;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Tests.Packets;

public sealed class ValidationTests
{
    private const MqttProtocolVersion V311 = MqttProtocolVersion.V311;
    private const MqttProtocolVersion V500 = MqttProtocolVersion.V500;

    private static readonly byte[] ConnectStart5 = [0, 4, .. "MQTT"u8, 5];
    private static readonly byte[] ConnectStart4 = [0, 4, .. "MQTT"u8, 4];

    public static TheoryData<string, MqttReasonCode, MqttProtocolVersion, byte[]> Violations() => new()
    {
        // Fixed header
        { "type 0", MqttReasonCode.MalformedPacket, V500, [0x00, 0] },
        { "flags on CONNECT", MqttReasonCode.MalformedPacket, V500, [0x11, 0] },
        { "flags on PUBACK", MqttReasonCode.MalformedPacket, V500, [0x42, 2, 0, 1] },
        { "no flags on PUBREL", MqttReasonCode.MalformedPacket, V500, [0x60, 2, 0, 1] },
        { "no flags on SUBSCRIBE", MqttReasonCode.MalformedPacket, V500, [0x80, 0] },
        { "no flags on UNSUBSCRIBE", MqttReasonCode.MalformedPacket, V500, [0xA0, 0] },
        { "flags on PINGREQ", MqttReasonCode.MalformedPacket, V500, [0xC8, 0] },
        { "QoS 3", MqttReasonCode.MalformedPacket, V500, [0x36, 0] },
        { "DUP at QoS 0", MqttReasonCode.MalformedPacket, V500, [0x38, 0] },
        { "length of five bytes", MqttReasonCode.MalformedPacket, V500, [0x30, 0xFF, 0xFF, 0xFF, 0xFF, 1] },

        // CONNECT
        { "other protocol", MqttReasonCode.UnsupportedProtocolVersion, V500, Wire.Frame(0x10, [0, 4, .. "MQTA"u8, 5, 2, 0, 0, 0, 0, 0]) },
        { "MQTT 3.1", MqttReasonCode.UnsupportedProtocolVersion, V311, Wire.Frame(0x10, [0, 6, .. "MQIsdp"u8, 3, 2, 0, 0, 0, 0]) },
        { "level 6", MqttReasonCode.UnsupportedProtocolVersion, V500, Wire.Frame(0x10, [0, 4, .. "MQTT"u8, 6, 2, 0, 0, 0, 0, 0]) },
        { "reserved connect flag", MqttReasonCode.MalformedPacket, V500, Wire.Frame(0x10, [.. ConnectStart5, 1, 0, 0, 0, 0, 0]) },
        { "will QoS without will", MqttReasonCode.MalformedPacket, V500, Wire.Frame(0x10, [.. ConnectStart5, 0x08, 0, 0, 0, 0, 0]) },
        { "will retain without will", MqttReasonCode.MalformedPacket, V500, Wire.Frame(0x10, [.. ConnectStart5, 0x20, 0, 0, 0, 0, 0]) },
        { "will QoS 3", MqttReasonCode.MalformedPacket, V500, Wire.Frame(0x10, [.. ConnectStart5, 0x1C, 0, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0]) },
        { "password alone in 3.1.1", MqttReasonCode.MalformedPacket, V311, Wire.Frame(0x10, [.. ConnectStart4, 0x40, 0, 0, 0, 0, 0, 0]) },
        { "will topic with wildcard", MqttReasonCode.TopicNameInvalid, V311, Wire.Frame(0x10, [.. ConnectStart4, 4, 0, 0, 0, 0, 0, 1, 35, 0, 0]) },
        { "empty will topic", MqttReasonCode.TopicNameInvalid, V311, Wire.Frame(0x10, [.. ConnectStart4, 4, 0, 0, 0, 0, 0, 0, 0, 0]) },
        { "bytes after CONNECT", MqttReasonCode.MalformedPacket, V500, Wire.Frame(0x10, [.. ConnectStart5, 2, 0, 0, 0, 0, 0, 9]) },
        { "receive maximum 0", MqttReasonCode.ProtocolError, V500, Wire.Frame(0x10, [.. ConnectStart5, 2, 0, 0, 3, 0x21, 0, 0, 0, 0]) },
        { "packet size 0", MqttReasonCode.ProtocolError, V500, Wire.Frame(0x10, [.. ConnectStart5, 2, 0, 0, 5, 0x27, 0, 0, 0, 0, 0, 0]) },
        { "problem information 2", MqttReasonCode.ProtocolError, V500, Wire.Frame(0x10, [.. ConnectStart5, 2, 0, 0, 2, 0x17, 2, 0, 0]) },
        { "auth data alone", MqttReasonCode.ProtocolError, V500, Wire.Frame(0x10, [.. ConnectStart5, 2, 0, 0, 3, 0x16, 0, 0, 0, 0]) },
        { "will delay among connect properties", MqttReasonCode.MalformedPacket, V500, Wire.Frame(0x10, [.. ConnectStart5, 2, 0, 0, 5, 0x18, 0, 0, 0, 1, 0, 0]) },
        { "client id with U+0000", MqttReasonCode.MalformedPacket, V500, Wire.Frame(0x10, [.. ConnectStart5, 2, 0, 0, 0, 0, 1, 0]) },
        { "client id with a surrogate", MqttReasonCode.MalformedPacket, V500, Wire.Frame(0x10, [.. ConnectStart5, 2, 0, 0, 0, 0, 3, 0xED, 0xA0, 0x80]) },

        // CONNACK
        { "CONNACK flags", MqttReasonCode.MalformedPacket, V500, [0x20, 3, 2, 0, 0] },
        { "CONNACK unknown code", MqttReasonCode.ProtocolError, V500, [0x20, 3, 0, 0x7F, 0] },
        { "CONNACK unknown return code", MqttReasonCode.MalformedPacket, V311, [0x20, 2, 0, 6] },
        { "session present on refusal", MqttReasonCode.ProtocolError, V500, [0x20, 3, 1, 0x87, 0] },
        { "maximum QoS 2", MqttReasonCode.ProtocolError, V500, [0x20, 5, 0, 0, 2, 0x24, 2] },

        // PUBLISH
        { "id 0", MqttReasonCode.ProtocolError, V500, [0x32, 6, 0, 1, 97, 0, 0, 0] },
        { "wildcard #", MqttReasonCode.TopicNameInvalid, V500, [0x30, 6, 0, 3, 97, 47, 35, 0] },
        { "wildcard +", MqttReasonCode.TopicNameInvalid, V311, [0x30, 3, 0, 1, 43] },
        { "topic with U+0000", MqttReasonCode.MalformedPacket, V500, [0x30, 4, 0, 1, 0, 0] },
        { "topic not UTF-8", MqttReasonCode.MalformedPacket, V500, [0x30, 4, 0, 1, 0xFF, 0] },
        { "overlong UTF-8", MqttReasonCode.MalformedPacket, V500, [0x30, 5, 0, 2, 0xC0, 0x80, 0] },
        { "no topic, no alias", MqttReasonCode.ProtocolError, V500, [0x30, 3, 0, 0, 0] },
        { "no topic in 3.1.1", MqttReasonCode.ProtocolError, V311, [0x30, 2, 0, 0] },
        { "alias 0", MqttReasonCode.TopicAliasInvalid, V500, [0x30, 7, 0, 1, 97, 3, 0x23, 0, 0] },
        { "alias twice", MqttReasonCode.ProtocolError, V500, [0x30, 10, 0, 1, 97, 6, 0x23, 0, 1, 0x23, 0, 1] },
        { "payload format 2", MqttReasonCode.ProtocolError, V500, [0x30, 6, 0, 1, 97, 2, 1, 2] },
        { "subscription id 0", MqttReasonCode.ProtocolError, V500, [0x30, 6, 0, 1, 97, 2, 0x0B, 0] },
        { "subscription id of five bytes", MqttReasonCode.MalformedPacket, V500, [0x30, 10, 0, 1, 97, 6, 0x0B, 255, 255, 255, 255, 1] },
        { "response topic with wildcard", MqttReasonCode.ProtocolError, V500, [0x30, 8, 0, 1, 97, 4, 8, 0, 1, 35] },
        { "unknown property", MqttReasonCode.MalformedPacket, V500, [0x30, 6, 0, 1, 97, 2, 0x7F, 0] },
        { "property id over one byte", MqttReasonCode.MalformedPacket, V500, [0x30, 7, 0, 1, 97, 3, 0x81, 0, 0] },
        { "session expiry in PUBLISH", MqttReasonCode.MalformedPacket, V500, [0x30, 9, 0, 1, 97, 5, 0x11, 0, 0, 0, 1] },
        { "properties past the end", MqttReasonCode.MalformedPacket, V500, [0x30, 5, 0, 1, 97, 9, 1] },
        { "property cut by its block", MqttReasonCode.MalformedPacket, V500, [0x30, 6, 0, 1, 97, 2, 2, 0] },

        // Acknowledgements
        { "PUBACK id 0", MqttReasonCode.ProtocolError, V500, [0x40, 2, 0, 0] },
        { "PUBACK code", MqttReasonCode.ProtocolError, V500, [0x40, 3, 0, 1, 0x92] },
        { "PUBREL code", MqttReasonCode.ProtocolError, V500, [0x62, 3, 0, 1, 0x80] },
        { "PUBACK trailing", MqttReasonCode.MalformedPacket, V500, [0x40, 5, 0, 1, 0, 0, 7] },
        { "PUBACK with code in 3.1.1", MqttReasonCode.MalformedPacket, V311, [0x40, 3, 0, 1, 0] },
        { "two reason strings", MqttReasonCode.ProtocolError, V500, [0x40, 10, 0, 1, 0, 6, 0x1F, 0, 0, 0x1F, 0, 0] },

        // SUBSCRIBE and UNSUBSCRIBE
        { "SUBSCRIBE without filter", MqttReasonCode.ProtocolError, V500, [0x82, 3, 0, 1, 0] },
        { "SUBSCRIBE id 0", MqttReasonCode.ProtocolError, V311, [0x82, 6, 0, 0, 0, 1, 97, 0] },
        { "subscription QoS 3", MqttReasonCode.ProtocolError, V500, [0x82, 7, 0, 1, 0, 0, 1, 97, 3] },
        { "retain handling 3", MqttReasonCode.ProtocolError, V500, [0x82, 7, 0, 1, 0, 0, 1, 97, 0x30] },
        { "reserved option bits", MqttReasonCode.MalformedPacket, V500, [0x82, 7, 0, 1, 0, 0, 1, 97, 0x40] },
        { "v5 options in 3.1.1", MqttReasonCode.MalformedPacket, V311, [0x82, 6, 0, 1, 0, 1, 97, 4] },
        { "no-local on shared", MqttReasonCode.ProtocolError, V500, Wire.Frame(0x82, [0, 1, 0, 0, 10, .. "$share/g/a"u8, 4]) },
        { "empty filter", MqttReasonCode.TopicFilterInvalid, V500, [0x82, 6, 0, 1, 0, 0, 0, 0] },
        { "misplaced wildcard", MqttReasonCode.TopicFilterInvalid, V500, [0x82, 8, 0, 1, 0, 0, 2, 97, 35, 0] },
        { "two subscription ids", MqttReasonCode.ProtocolError, V500, [0x82, 11, 0, 1, 4, 0x0B, 1, 0x0B, 2, 0, 1, 97, 0] },
        { "UNSUBSCRIBE without filter", MqttReasonCode.ProtocolError, V311, [0xA2, 2, 0, 1] },
        { "UNSUBSCRIBE empty filter", MqttReasonCode.TopicFilterInvalid, V311, [0xA2, 4, 0, 1, 0, 0] },
        { "SUBACK without code", MqttReasonCode.ProtocolError, V311, [0x90, 2, 0, 1] },
        { "SUBACK v5 code in 3.1.1", MqttReasonCode.MalformedPacket, V311, [0x90, 3, 0, 1, 0x87] },
        { "SUBACK unknown code", MqttReasonCode.ProtocolError, V500, [0x90, 4, 0, 1, 0, 3] },
        { "UNSUBACK with codes in 3.1.1", MqttReasonCode.MalformedPacket, V311, [0xB0, 3, 0, 1, 0] },
        { "UNSUBACK without code", MqttReasonCode.ProtocolError, V500, [0xB0, 3, 0, 1, 0] },

        // The rest
        { "PINGREQ with body", MqttReasonCode.MalformedPacket, V500, [0xC0, 1, 0] },
        { "DISCONNECT with body in 3.1.1", MqttReasonCode.MalformedPacket, V311, [0xE0, 1, 0] },
        { "DISCONNECT code", MqttReasonCode.ProtocolError, V500, [0xE0, 1, 0x86] },
        { "DISCONNECT trailing", MqttReasonCode.MalformedPacket, V500, [0xE0, 3, 0, 0, 0] },
        { "AUTH code", MqttReasonCode.ProtocolError, V500, [0xF0, 2, 0x80, 0] },
        { "AUTH in 3.1.1", MqttReasonCode.ProtocolError, V311, [0xF0, 0] },
    };

    [Theory]
    [MemberData(nameof(Violations))]
    public void A_violation_is_refused_with_its_reason(string rule, MqttReasonCode expected, MqttProtocolVersion version, byte[] frame)
    {
        var refusal = Should.Throw<MqttProtocolException>(() => Wire.Reencode(frame, version), rule);
        refusal.ReasonCode.ShouldBe(expected, rule);
    }

    [Fact]
    public void A_packet_over_the_limit_is_refused_before_its_body_arrives()
    {
        var buffer = new ReadOnlySequence<byte>([0x30, 0x80, 0x80, 0x01]);
        var refusal = Should.Throw<MqttProtocolException>(() => MqttFrame.TryRead(ref buffer, 16_387, out _, out _));
        refusal.ReasonCode.ShouldBe(MqttReasonCode.PacketTooLarge);
        MqttFrame.TryRead(ref buffer, 16_388, out _, out _).ShouldBeFalse();
    }

    [Fact]
    public void A_length_that_is_not_minimal_is_read()
    {
        Wire.Body([0xC0, 0x80, 0x80, 0x00], out var header).ShouldBeEmpty();
        MqttFrame.TypeOf(header).ShouldBe(MqttPacketType.PingReq);
    }

    [Fact]
    public void A_password_alone_is_legal_in_version_5()
    {
        var body = Wire.Body(Wire.Frame(0x10, [.. ConnectStart5, 0x42, 0, 0, 0, 0, 0, 0, 1, 120]), out _);
        ConnectPacket.Read(body).Password!.Value.ToArray().ShouldBe("x"u8.ToArray());
    }

    [Fact]
    public void An_absent_password_is_not_an_empty_one()
    {
        var absent = Wire.Body(Wire.Frame(0x10, [.. ConnectStart4, 0x82, 0, 0, 0, 0, 0, 1, 117]), out _);
        ConnectPacket.Read(absent).Password.ShouldBeNull();
        var empty = Wire.Body(Wire.Frame(0x10, [.. ConnectStart4, 0xC2, 0, 0, 0, 0, 0, 1, 117, 0, 0]), out _);
        ConnectPacket.Read(empty).Password!.Value.Length.ShouldBe(0);
    }

    [Theory]
    [InlineData(new byte[] { 0xE0, 0 }, MqttReasonCode.Success)]
    [InlineData(new byte[] { 0xE0, 1, 0x8B }, MqttReasonCode.ServerShuttingDown)]
    [InlineData(new byte[] { 0xE0, 2, 0x04, 0 }, MqttReasonCode.DisconnectWithWillMessage)]
    public void Short_forms_of_a_disconnect_are_read(byte[] frame, MqttReasonCode expected)
    {
        DisconnectPacket.Read(Wire.Body(frame, out _), V500).ReasonCode.ShouldBe(expected);
    }

    [Theory]
    [InlineData(4, V311)]
    [InlineData(5, V500)]
    [InlineData(3, MqttProtocolVersion.Unknown)]
    public void The_version_of_a_faulty_connect_can_be_told(byte level, MqttProtocolVersion expected)
    {
        ConnectPacket.PeekVersion([0, 4, .. "MQTT"u8, level, 0xFF]).ShouldBe(expected);
        ConnectPacket.PeekVersion([0, 4]).ShouldBe(MqttProtocolVersion.Unknown);
    }

    [Fact]
    public void A_property_in_the_wrong_packet_is_not_written()
    {
        var packet = new DisconnectPacket(MqttReasonCode.Success, new MqttProperties { TopicAlias = 1 });
        Should.Throw<ArgumentException>(() => Wire.Bytes(o => packet.WriteTo(o, V500)));
    }

    [Fact]
    public void Text_that_has_no_wire_form_is_not_written()
    {
        foreach (var text in new[] { "a\0b", "\uD800", new string('x', 65_536) })
        {
            var packet = new UnsubscribePacket(1, [text]);
            Should.Throw<ArgumentException>(() => Wire.Bytes(o => packet.WriteTo(o, V500)));
        }
    }
}
