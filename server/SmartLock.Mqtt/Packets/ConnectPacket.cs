using System.Buffers;

namespace SmartLock.Mqtt.Packets;

public sealed record ConnectPacket
{
    private static ReadOnlySpan<byte> ProtocolName => "MQTT"u8;

    public required MqttProtocolVersion ProtocolVersion { get; init; }

    /// <summary>"Clean session" in 3.1.1.</summary>
    public bool CleanStart { get; init; }

    /// <summary>Seconds; zero turns it off.</summary>
    public ushort KeepAlive { get; init; }

    /// <summary>May be empty; whether that is accepted is the broker's rule.</summary>
    public required string ClientId { get; init; }

    public string? UserName { get; init; }

    public ReadOnlyMemory<byte>? Password { get; init; }

    public MqttWill? Will { get; init; }

    public MqttProperties? Properties { get; init; }

    /// <summary>
    /// The protocol level of a CONNECT whose other parts may be faulty, so that a refusal can be written in a form its
    /// sender reads; Unknown when it is not one this library speaks.
    /// </summary>
    public static MqttProtocolVersion PeekVersion(ReadOnlySpan<byte> body)
    {
        var isMqtt = body.Length >= 7 && body[..2].SequenceEqual("\0\u0004"u8) && body[2..6].SequenceEqual(ProtocolName);
        return isMqtt && body[6] is 4 or 5 ? (MqttProtocolVersion)body[6] : MqttProtocolVersion.Unknown;
    }

    /// <exception cref="MqttProtocolException">The body breaks a rule of section 3.1.</exception>
    public static ConnectPacket Read(ReadOnlySpan<byte> body)
    {
        var reader = new SpanReader(body);
        var version = ReadVersion(ref reader);
        var flags = new ConnectFlags(reader.ReadByte());
        flags.Check(version);
        var keepAlive = reader.ReadUInt16();
        var isV5 = version == MqttProtocolVersion.V500;
        var properties = isV5 ? PropertyCodec.Decode(reader.ReadPropertyBlock(), AllowedProperties.Connect) : null;
        var clientId = reader.ReadString();
        var will = flags.HasWill ? ReadWill(ref reader, flags, isV5) : null;
        var userName = flags.HasUserName ? reader.ReadString() : null;
        // A null array would convert to an empty memory that is there; the nullable must be null itself.
        var password = flags.HasPassword ? reader.ReadBinary().ToArray() : default(ReadOnlyMemory<byte>?);
        reader.ExpectEnd();
        return new ConnectPacket
        {
            ProtocolVersion = version,
            CleanStart = flags.CleanStart,
            KeepAlive = keepAlive,
            ClientId = clientId,
            UserName = userName,
            Password = password,
            Will = will,
            Properties = properties,
        };
    }

    public void WriteTo(IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        var isV5 = ProtocolVersion == MqttProtocolVersion.V500;
        var propertySize = isV5 ? PropertyCodec.Measure(Properties, AllowedProperties.Connect) : 0;
        var willPropertySize = isV5 ? PropertyCodec.Measure(Will?.Properties, AllowedProperties.Will) : 0;
        var writer = FrameWriter.Begin(
            output,
            FrameWriter.Header(MqttPacketType.Connect),
            GetBodySize(isV5, propertySize, willPropertySize));
        writer.WriteBinary(ProtocolName);
        writer.WriteByte((byte)ProtocolVersion);
        writer.WriteByte(ConnectFlags.Of(this).Value);
        writer.WriteUInt16(KeepAlive);
        if (isV5)
        {
            PropertyCodec.Write(ref writer, Properties, propertySize);
        }

        writer.WriteString(ClientId);
        if (Will is { } will)
        {
            if (isV5)
            {
                PropertyCodec.Write(ref writer, will.Properties, willPropertySize);
            }

            writer.WriteString(will.Topic);
            writer.WriteBinary(will.Payload.Span);
        }

        if (UserName is not null)
        {
            writer.WriteString(UserName);
        }

        if (Password is { } password)
        {
            writer.WriteBinary(password.Span);
        }

        FrameWriter.End(output, writer);
    }

    /// <summary>Leaves the password out.</summary>
    public override string ToString() => $"CONNECT {ClientId} ({ProtocolVersion})";

    private int GetBodySize(bool isV5, int propertySize, int willPropertySize)
    {
        // Protocol name (6), level, flags, keep-alive (2).
        var size = 10 + SpanWriter.SizeOfString(ClientId);
        size += isV5 ? SpanWriter.SizeOfVariableByteInteger(propertySize) + propertySize : 0;
        if (Will is { } will)
        {
            size += SpanWriter.SizeOfString(will.Topic) + SpanWriter.SizeOfBinary(will.Payload);
            size += isV5 ? SpanWriter.SizeOfVariableByteInteger(willPropertySize) + willPropertySize : 0;
        }

        size += UserName is null ? 0 : SpanWriter.SizeOfString(UserName);
        return size + (Password is { } password ? SpanWriter.SizeOfBinary(password) : 0);
    }

    private static MqttProtocolVersion ReadVersion(ref SpanReader reader)
    {
        var name = reader.ReadUtf8();
        var level = reader.ReadByte();
        if (!name.SequenceEqual(ProtocolName) || level is not (4 or 5))
        {
            MqttProtocolException.Throw(MqttReasonCode.UnsupportedProtocolVersion, "The protocol is neither MQTT 3.1.1 nor MQTT 5.");
        }

        return (MqttProtocolVersion)level;
    }

    private static MqttWill ReadWill(ref SpanReader reader, ConnectFlags flags, bool isV5)
    {
        var properties = isV5 ? PropertyCodec.Decode(reader.ReadPropertyBlock(), AllowedProperties.Will) : null;
        var topic = reader.ReadUtf8();
        if (!MqttTopic.IsValidName(topic))
        {
            MqttProtocolException.Throw(MqttReasonCode.TopicNameInvalid, "A will's topic name is empty or has wildcards.");
        }

        return new MqttWill(MqttUtf8.GetString(topic), reader.ReadBinary().ToArray())
        {
            QoS = flags.WillQoS,
            Retain = flags.WillRetain,
            Properties = properties,
        };
    }
}

/// <summary>The connect flags byte (section 3.1.2.3).</summary>
internal readonly record struct ConnectFlags(byte Value)
{
    public bool CleanStart => (Value & 0x02) != 0;

    public bool HasWill => (Value & 0x04) != 0;

    public MqttQoS WillQoS => (MqttQoS)((Value >> 3) & 0b11);

    public bool WillRetain => (Value & 0x20) != 0;

    public bool HasPassword => (Value & 0x40) != 0;

    public bool HasUserName => (Value & 0x80) != 0;

    public static ConnectFlags Of(ConnectPacket packet)
    {
        var value = packet.CleanStart ? 0x02 : 0;
        if (packet.Will is { } will)
        {
            value |= 0x04 | ((int)will.QoS << 3) | (will.Retain ? 0x20 : 0);
        }

        value |= packet.Password is null ? 0 : 0x40;
        value |= packet.UserName is null ? 0 : 0x80;
        return new ConnectFlags((byte)value);
    }

    public void Check(MqttProtocolVersion version)
    {
        if ((Value & 0x01) != 0)
        {
            MqttProtocolException.ThrowMalformed("The reserved CONNECT flag is set.");
        }

        if ((!HasWill && (WillQoS != MqttQoS.AtMostOnce || WillRetain)) || (int)WillQoS == 3)
        {
            MqttProtocolException.ThrowMalformed("The will flags of a CONNECT contradict each other.");
        }

        if (HasPassword && !HasUserName && version == MqttProtocolVersion.V311)
        {
            MqttProtocolException.ThrowMalformed("A CONNECT has a password without a user name.");
        }
    }
}
