using System.Buffers;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Tests.Packets;

/// <summary>Frames as byte arrays, and one door through which every packet type is decoded and written again.</summary>
internal static class Wire
{
    public static byte[] Bytes(Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>A frame with the given first byte and body; the remaining length is computed.</summary>
    public static byte[] Frame(byte fixedHeader, params byte[] body)
    {
        var bytes = new List<byte> { fixedHeader };
        var length = body.Length;
        do
        {
            bytes.Add((byte)((length & 0x7F) | (length > 127 ? 0x80 : 0)));
            length >>= 7;
        }
        while (length > 0);
        bytes.AddRange(body);
        return [.. bytes];
    }

    public static byte[] Body(byte[] frame, out byte fixedHeader)
    {
        var buffer = new ReadOnlySequence<byte>(frame);
        MqttFrame.TryRead(ref buffer, uint.MaxValue, out fixedHeader, out var body).ShouldBeTrue();
        buffer.Length.ShouldBe(0);
        return body.ToArray();
    }

    /// <summary>Decodes one frame and encodes what was understood.</summary>
    public static byte[] Reencode(byte[] frame, MqttProtocolVersion version)
    {
        var body = Body(frame, out var header);
        return Reencode(header, body, version);
    }

    public static byte[] Reencode(byte header, byte[] body, MqttProtocolVersion version) => MqttFrame.TypeOf(header) switch
    {
        MqttPacketType.Connect => Bytes(ConnectPacket.Read(body).WriteTo),
        MqttPacketType.ConnAck => Bytes(o => ConnAckPacket.Read(body, version).WriteTo(o, version)),
        MqttPacketType.Publish => Bytes(o => ReencodePublish(header, body, version, o)),
        MqttPacketType.PubAck or MqttPacketType.PubRec or MqttPacketType.PubRel or MqttPacketType.PubComp =>
            Bytes(o => AckPacket.Read(header, body, version).WriteTo(o, version)),
        MqttPacketType.Subscribe => Bytes(o => SubscribePacket.Read(body, version).WriteTo(o, version)),
        MqttPacketType.SubAck => Bytes(o => SubAckPacket.Read(body, version).WriteTo(o, version)),
        MqttPacketType.Unsubscribe => Bytes(o => UnsubscribePacket.Read(body, version).WriteTo(o, version)),
        MqttPacketType.UnsubAck => Bytes(o => UnsubAckPacket.Read(body, version).WriteTo(o, version)),
        MqttPacketType.PingReq => Bytes(o => ReencodePing(body, PingPackets.WriteRequest, o)),
        MqttPacketType.PingResp => Bytes(o => ReencodePing(body, PingPackets.WriteResponse, o)),
        MqttPacketType.Disconnect => Bytes(o => DisconnectPacket.Read(body, version).WriteTo(o, version)),
        MqttPacketType.Auth => Bytes(AuthPacket.Read(body, version).WriteTo),
        var type => throw new InvalidOperationException($"Unknown type {type}."),
    };

    private static void ReencodePing(byte[] body, Action<IBufferWriter<byte>> write, IBufferWriter<byte> output)
    {
        PingPackets.CheckBody(body);
        write(output);
    }

    private static void ReencodePublish(byte header, byte[] body, MqttProtocolVersion version, IBufferWriter<byte> output)
    {
        var packet = PublishPacket.Read(header, body, version);
        new OutgoingPublish
        {
            Topic = packet.Topic,
            Payload = packet.Payload,
            Properties = OutgoingPublish.EncodeProperties(packet.DecodeProperties()),
            QoS = packet.QoS,
            Retain = packet.Retain,
            Duplicate = packet.Duplicate,
            PacketId = packet.PacketId,
        }.WriteTo(output, version);
    }
}
