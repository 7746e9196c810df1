namespace SmartLock.Mqtt.Packets;

/// <summary>Which reason codes each MQTT 5 packet may carry (table 2-6 and the packets' own tables).</summary>
internal static class ReasonCodeRules
{
    public static MqttReasonCode Check(MqttPacketType type, byte code)
    {
        if (!IsLegal(type, code))
        {
            MqttProtocolException.ThrowProtocolError("A reason code is unknown or not allowed in its packet.");
        }

        return (MqttReasonCode)code;
    }

    /// <summary>The code itself where the packet may carry it, else an unspecified error: for codes that foreign code chose.</summary>
    public static MqttReasonCode Fit(MqttPacketType type, MqttReasonCode code)
    {
        return (int)code <= byte.MaxValue && IsLegal(type, (byte)code) ? code : MqttReasonCode.UnspecifiedError;
    }

    public static bool IsLegal(MqttPacketType type, byte code) => type switch
    {
        MqttPacketType.PubAck or MqttPacketType.PubRec => code is 0 or 0x10 or 0x80 or 0x83 or 0x87 or 0x90 or 0x91 or 0x97 or 0x99,
        MqttPacketType.PubRel or MqttPacketType.PubComp => code is 0 or 0x92,
        MqttPacketType.SubAck => code is <= 2 or 0x80 or 0x83 or 0x87 or 0x8F or 0x91 or 0x97 or 0x9E or 0xA1 or 0xA2,
        MqttPacketType.UnsubAck => code is 0 or 0x11 or 0x80 or 0x83 or 0x87 or 0x8F or 0x91,
        MqttPacketType.ConnAck => code is 0 or (>= 0x80 and <= 0x8A) or 0x8C or 0x90 or 0x95 or 0x97 or (>= 0x99 and <= 0x9D) or 0x9F,
        MqttPacketType.Disconnect => code is 0 or 4 or (>= 0x80 and <= 0x83) or 0x87 or 0x89 or (>= 0x8B and <= 0x90)
            or (>= 0x93 and <= 0xA2),
        MqttPacketType.Auth => code is 0 or 0x18 or 0x19,
        _ => false,
    };
}
