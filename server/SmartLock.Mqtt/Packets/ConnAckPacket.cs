using System.Buffers;

namespace SmartLock.Mqtt.Packets;

public sealed record ConnAckPacket(bool SessionPresent, MqttReasonCode ReasonCode, MqttProperties? Properties = null)
{
    /// <exception cref="MqttProtocolException">The body breaks a rule of section 3.2.</exception>
    public static ConnAckPacket Read(ReadOnlySpan<byte> body, MqttProtocolVersion version)
    {
        var reader = new SpanReader(body);
        var flags = reader.ReadByte();
        if (flags > 1)
        {
            MqttProtocolException.ThrowMalformed("Reserved CONNACK flags are set.");
        }

        var code = reader.ReadByte();
        var isV5 = version == MqttProtocolVersion.V500;
        var reasonCode = isV5 ? ReasonCodeRules.Check(MqttPacketType.ConnAck, code) : FromReturnCode(code);
        if (flags == 1 && reasonCode != MqttReasonCode.Success)
        {
            MqttProtocolException.ThrowProtocolError("A CONNACK that refuses claims a session.");
        }

        var properties = isV5 ? PropertyCodec.Decode(reader.ReadPropertyBlock(), AllowedProperties.ConnAck) : null;
        reader.ExpectEnd();
        return new ConnAckPacket(flags == 1, reasonCode, properties);
    }

    /// <summary>Bytes of the whole packet.</summary>
    internal int GetSize(MqttProtocolVersion version)
    {
        var isV5 = version == MqttProtocolVersion.V500;
        return FrameWriter.SizeOf(GetBodySize(isV5, isV5 ? PropertyCodec.Measure(Properties, AllowedProperties.ConnAck) : 0));
    }

    public void WriteTo(IBufferWriter<byte> output, MqttProtocolVersion version)
    {
        ArgumentNullException.ThrowIfNull(output);
        var isV5 = version == MqttProtocolVersion.V500;
        var propertySize = isV5 ? PropertyCodec.Measure(Properties, AllowedProperties.ConnAck) : 0;
        var size = GetBodySize(isV5, propertySize);
        var writer = FrameWriter.Begin(output, FrameWriter.Header(MqttPacketType.ConnAck), size);
        writer.WriteByte((byte)(SessionPresent && ReasonCode == MqttReasonCode.Success ? 1 : 0));
        writer.WriteByte(isV5 ? (byte)ReasonCode : ToReturnCode(ReasonCode));
        if (isV5)
        {
            PropertyCodec.Write(ref writer, Properties, propertySize);
        }

        FrameWriter.End(output, writer);
    }

    private static int GetBodySize(bool isV5, int propertySize)
    {
        return 2 + (isV5 ? SpanWriter.SizeOfVariableByteInteger(propertySize) + propertySize : 0);
    }

    /// <summary>MQTT 3.1.1 table 3.1.</summary>
    private static MqttReasonCode FromReturnCode(byte code)
    {
        switch (code)
        {
            case 0:
                return MqttReasonCode.Success;
            case 1:
                return MqttReasonCode.UnsupportedProtocolVersion;
            case 2:
                return MqttReasonCode.ClientIdentifierNotValid;
            case 3:
                return MqttReasonCode.ServerUnavailable;
            case 4:
                return MqttReasonCode.BadUserNameOrPassword;
            case 5:
                return MqttReasonCode.NotAuthorized;
            default:
                MqttProtocolException.ThrowMalformed("A CONNACK has an unknown return code.");
                return default;
        }
    }

    private static byte ToReturnCode(MqttReasonCode code) => code switch
    {
        MqttReasonCode.Success => 0,
        MqttReasonCode.UnsupportedProtocolVersion => 1,
        MqttReasonCode.ClientIdentifierNotValid => 2,
        MqttReasonCode.BadUserNameOrPassword => 4,
        MqttReasonCode.NotAuthorized or MqttReasonCode.Banned => 5,
        _ => 3,
    };
}
