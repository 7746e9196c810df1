namespace SmartLock.Mqtt.Client;

/// <summary>A message that arrived; it owns its payload.</summary>
public sealed class MqttReceivedMessage
{
    private readonly IncomingMessages _owner;

    internal MqttReceivedMessage(IncomingMessages owner, ClientConnection connection, ushort packetId)
    {
        _owner = owner;
        Connection = connection;
        PacketId = packetId;
    }

    public required string Topic { get; init; }

    public required ReadOnlyMemory<byte> Payload { get; init; }

    public required MqttQoS QoS { get; init; }

    public bool Retain { get; init; }

    /// <summary>The broker may have sent it before.</summary>
    public bool Duplicate { get; init; }

    public MqttProperties? Properties { get; init; }

    internal ushort PacketId { get; }

    /// <summary>Where the acknowledgement goes. Guarded by the owner.</summary>
    internal ClientConnection Connection { get; set; }

    /// <summary>Null until acknowledged. Guarded by the owner.</summary>
    internal MqttReasonCode? Acknowledgement { get; set; }

    /// <summary>
    /// Acknowledges a QoS 1 or 2 message; at QoS 0 and the second time nothing happens. Acknowledgements go out in the order
    /// in which the messages came [MQTT-4.6.0-2], so one that is never given holds back all later ones.
    /// </summary>
    /// <param name="reasonCode">A failure tells an MQTT 5 broker that the message was not taken; it is not sent again.</param>
    /// <param name="cancellationToken">Ends the wait for room in a congested connection; the acknowledgement stays queued.</param>
    /// <exception cref="ArgumentOutOfRangeException">The reason code is not one of a PUBACK.</exception>
    public ValueTask AckAsync(MqttReasonCode reasonCode = MqttReasonCode.Success, CancellationToken cancellationToken = default)
    {
        Packets.ReasonCodeRules.ThrowUnlessLegal(Packets.MqttPacketType.PubAck, reasonCode);
        return _owner.AcknowledgeAsync(this, reasonCode, cancellationToken);
    }
}
