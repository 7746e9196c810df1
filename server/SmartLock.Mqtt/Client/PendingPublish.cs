namespace SmartLock.Mqtt.Client;

internal enum PublishState
{
    /// <summary>To be sent on this connection, for the first time or again.</summary>
    Queued,

    /// <summary>Waits for PUBACK or PUBREC.</summary>
    Sent,

    /// <summary>QoS 2, past PUBREC: the broker owns the message; waits for PUBCOMP.</summary>
    Released,
}

/// <summary>A QoS 1 or 2 message until its exchange has ended. Guarded by <see cref="OutgoingMessages"/>.</summary>
internal sealed class PendingPublish(MqttMessage message, byte[] properties)
{
    private readonly TaskCompletionSource<MqttPublishResult> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public MqttMessage Message { get; } = message;

    /// <summary>Encoded once, however often the message is sent.</summary>
    public byte[] Properties { get; } = properties;

    public Task<MqttPublishResult> Completion => _completion.Task;

    public PublishState State { get; set; }

    /// <summary>Zero until it is first sent; then kept over reconnects that resume the session.</summary>
    public ushort PacketId { get; set; }

    /// <summary>Sent before in this session, so that sending it again is marked DUP.</summary>
    public bool IsDuplicate { get; set; }

    /// <summary>Counts up with every PUBREC of the session: PUBRELs are sent again in that order [MQTT-4.6.0-4].</summary>
    public long ReleaseOrder { get; set; }

    /// <summary>Occupies one of the broker's receive maximum on this connection.</summary>
    public bool HoldsQuota { get; set; }

    public void Complete(MqttPublishResult result) => _completion.TrySetResult(result);
}
