using System.Buffers;

namespace SmartLock.Mqtt.Packets;

/// <summary>In 3.1.1 only a client sends it, and it says nothing.</summary>
public sealed record DisconnectPacket(MqttReasonCode ReasonCode = MqttReasonCode.Success, MqttProperties? Properties = null)
{
    /// <exception cref="MqttProtocolException">The body breaks a rule of section 3.14.</exception>
    public static DisconnectPacket Read(ReadOnlySpan<byte> body, MqttProtocolVersion version)
    {
        var reader = new SpanReader(body);
        if (reader.AtEnd || version != MqttProtocolVersion.V500)
        {
            reader.ExpectEnd();
            return new DisconnectPacket();
        }

        var reasonCode = ReasonCodeRules.Check(MqttPacketType.Disconnect, reader.ReadByte());
        if (reader.AtEnd)
        {
            return new DisconnectPacket(reasonCode);
        }

        var properties = PropertyCodec.Decode(reader.ReadPropertyBlock(), AllowedProperties.Disconnect);
        reader.ExpectEnd();
        return new DisconnectPacket(reasonCode, properties);
    }

    public void WriteTo(IBufferWriter<byte> output, MqttProtocolVersion version)
    {
        ArgumentNullException.ThrowIfNull(output);
        var isV5 = version == MqttProtocolVersion.V500;
        ReasonFrame.Write(output, MqttPacketType.Disconnect, ReasonCode, isV5 ? Properties : null, AllowedProperties.Disconnect, isV5);
    }
}

/// <summary>A step of enhanced authentication (section 4.12); MQTT 5 only.</summary>
public sealed record AuthPacket(MqttReasonCode ReasonCode, MqttProperties? Properties = null)
{
    /// <exception cref="MqttProtocolException">The body breaks a rule of section 3.15, or the version has no AUTH.</exception>
    public static AuthPacket Read(ReadOnlySpan<byte> body, MqttProtocolVersion version)
    {
        if (version != MqttProtocolVersion.V500)
        {
            MqttProtocolException.ThrowProtocolError("MQTT 3.1.1 has no AUTH.");
        }

        if (body.IsEmpty)
        {
            return new AuthPacket(MqttReasonCode.Success);
        }

        var reader = new SpanReader(body);
        var reasonCode = ReasonCodeRules.Check(MqttPacketType.Auth, reader.ReadByte());
        var properties = PropertyCodec.Decode(reader.ReadPropertyBlock(), AllowedProperties.Auth);
        reader.ExpectEnd();
        return new AuthPacket(reasonCode, properties);
    }

    public void WriteTo(IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        ReasonFrame.Write(output, MqttPacketType.Auth, ReasonCode, Properties, AllowedProperties.Auth, isV5: true);
    }
}

/// <summary>The body that DISCONNECT and AUTH share: nothing, or a reason code and properties.</summary>
internal static class ReasonFrame
{
    public static void Write(
        IBufferWriter<byte> output,
        MqttPacketType type,
        MqttReasonCode reasonCode,
        MqttProperties? properties,
        ulong allowed,
        bool isV5)
    {
        var propertySize = PropertyCodec.Measure(properties, allowed);
        if (!isV5 || (propertySize == 0 && reasonCode == MqttReasonCode.Success))
        {
            FrameWriter.End(output, FrameWriter.Begin(output, FrameWriter.Header(type), 0));
            return;
        }

        var size = 1 + SpanWriter.SizeOfVariableByteInteger(propertySize) + propertySize;
        var writer = FrameWriter.Begin(output, FrameWriter.Header(type), size);
        writer.WriteByte((byte)reasonCode);
        PropertyCodec.Write(ref writer, properties, propertySize);
        FrameWriter.End(output, writer);
    }
}
