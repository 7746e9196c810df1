namespace SmartLock.Mqtt.Broker;

/// <summary>A published message as an in-process subscriber sees it; valid only during the call.</summary>
public readonly ref struct InboundMessage
{
    public required ReadOnlySpan<byte> Topic { get; init; }

    public required ReadOnlySpan<byte> Payload { get; init; }

    public required MqttQoS QoS { get; init; }

    public required bool Retain { get; init; }

    /// <summary>Null when the process itself published.</summary>
    public MqttIdentity? Publisher { get; init; }

    public string? PublisherClientId { get; init; }
}

/// <summary>
/// Called on the publisher's read loop, by many connections at once: it must be quick and must not block. What it throws is
/// logged and counted.
/// </summary>
public delegate void MqttInboundHandler(in InboundMessage message);
