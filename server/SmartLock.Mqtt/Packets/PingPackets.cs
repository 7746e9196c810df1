using System.Buffers;

namespace SmartLock.Mqtt.Packets;

/// <summary>PINGREQ and PINGRESP: a fixed header and nothing else.</summary>
public static class PingPackets
{
    public static void WriteRequest(IBufferWriter<byte> output) => Write(output, MqttPacketType.PingReq);

    public static void WriteResponse(IBufferWriter<byte> output) => Write(output, MqttPacketType.PingResp);

    /// <exception cref="MqttProtocolException">The body is not empty.</exception>
    public static void CheckBody(ReadOnlySpan<byte> body) => new SpanReader(body).ExpectEnd();

    private static void Write(IBufferWriter<byte> output, MqttPacketType type)
    {
        ArgumentNullException.ThrowIfNull(output);
        FrameWriter.End(output, FrameWriter.Begin(output, FrameWriter.Header(type), 0));
    }
}
