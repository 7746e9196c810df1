namespace SmartLock.Mqtt;

/// <summary>
/// The properties of MQTT 5.0 section 2.2.2.2. Null means absent. Which of them a packet may carry is checked when it is
/// read and when it is written. Intervals are in seconds. Lists compare by reference.
/// </summary>
public sealed record MqttProperties
{
    /// <summary>0: unspecified bytes; 1: UTF-8 text.</summary>
    public byte? PayloadFormatIndicator { get; set; }

    public uint? MessageExpiryInterval { get; set; }

    public string? ContentType { get; set; }

    public string? ResponseTopic { get; set; }

    public ReadOnlyMemory<byte>? CorrelationData { get; set; }

    /// <summary>One in a SUBSCRIBE; in a PUBLISH from a server one per matching subscription. 1 to 268,435,455.</summary>
    public IReadOnlyList<uint>? SubscriptionIdentifiers { get; set; }

    /// <summary>0xFFFFFFFF: the session does not expire.</summary>
    public uint? SessionExpiryInterval { get; set; }

    public string? AssignedClientIdentifier { get; set; }

    public ushort? ServerKeepAlive { get; set; }

    public string? AuthenticationMethod { get; set; }

    public ReadOnlyMemory<byte>? AuthenticationData { get; set; }

    public bool? RequestProblemInformation { get; set; }

    public uint? WillDelayInterval { get; set; }

    public bool? RequestResponseInformation { get; set; }

    public string? ResponseInformation { get; set; }

    public string? ServerReference { get; set; }

    public string? ReasonString { get; set; }

    public ushort? ReceiveMaximum { get; set; }

    public ushort? TopicAliasMaximum { get; set; }

    public ushort? TopicAlias { get; set; }

    public MqttQoS? MaximumQoS { get; set; }

    public bool? RetainAvailable { get; set; }

    public IReadOnlyList<MqttUserProperty>? UserProperties { get; set; }

    /// <summary>Bytes of a whole packet, fixed header included.</summary>
    public uint? MaximumPacketSize { get; set; }

    public bool? WildcardSubscriptionAvailable { get; set; }

    public bool? SubscriptionIdentifiersAvailable { get; set; }

    public bool? SharedSubscriptionAvailable { get; set; }

    /// <summary>Names only: values may hold credentials of an authentication exchange.</summary>
    public override string ToString() => nameof(MqttProperties);
}
