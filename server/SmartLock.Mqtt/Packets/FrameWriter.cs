using System.Buffers;

namespace SmartLock.Mqtt.Packets;

/// <summary>Writes a fixed header in front of a body of known size, all in one span of the output.</summary>
internal static class FrameWriter
{
    public static int SizeOf(int bodyLength) => 1 + SpanWriter.SizeOfVariableByteInteger(bodyLength) + bodyLength;

    public static byte Header(MqttPacketType type, int flags = 0) => (byte)(((int)type << 4) | flags);

    /// <summary>The caller writes exactly <paramref name="bodyLength"/> bytes and then calls <see cref="End"/>.</summary>
    public static SpanWriter Begin(IBufferWriter<byte> output, byte fixedHeader, int bodyLength)
    {
        if (bodyLength > SpanWriter.MaximumVariableByteInteger)
        {
            MqttProtocolException.Throw(MqttReasonCode.PacketTooLarge, "A packet is larger than the protocol allows.");
        }

        var writer = new SpanWriter(output.GetSpan(SizeOf(bodyLength)));
        writer.WriteByte(fixedHeader);
        writer.WriteVariableByteInteger(bodyLength);
        return writer;
    }

    public static void End(IBufferWriter<byte> output, in SpanWriter writer) => output.Advance(writer.Position);
}
