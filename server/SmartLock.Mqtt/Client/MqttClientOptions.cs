namespace SmartLock.Mqtt.Client;

public sealed record MqttClientOptions
{
    public string Host { get; init; } = "localhost";

    public int Port { get; init; } = 1883;

    /// <summary>Null: plain TCP.</summary>
    public MqttTlsOptions? Tls { get; init; }

    /// <summary>Opens the connection instead of TCP or TLS to <see cref="Host"/>; called for every attempt.</summary>
    public Func<CancellationToken, ValueTask<MqttConnection>>? Connector { get; init; }

    /// <summary>Empty: the broker assigns one.</summary>
    public string ClientId { get; init; } = string.Empty;

    public string? UserName { get; init; }

    public MqttPassword? Password { get; init; }

    public MqttProtocolVersion ProtocolVersion { get; init; } = MqttProtocolVersion.V500;

    /// <summary>
    /// Whether the first connection begins a new session. Later ones resume it, except in 3.1.1, where a clean session ends
    /// with each connection.
    /// </summary>
    public bool CleanStart { get; init; } = true;

    /// <summary>How long the broker keeps the session after a disconnect (MQTT 5); <see cref="TimeSpan.MaxValue"/>: for good.</summary>
    public TimeSpan SessionExpiry { get; init; }

    /// <summary>Zero turns it off. At most 65,535 s.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(60);

    public MqttWill? Will { get; init; }

    /// <summary>How many QoS 1 and 2 messages the broker may send before one is acknowledged (MQTT 5).</summary>
    public ushort ReceiveMaximum { get; init; } = 1_000;

    /// <summary>Bytes of the largest packet that is accepted.</summary>
    public uint MaximumPacketSize { get; init; } = 1024 * 1024;

    /// <summary>How many topic aliases the broker may use; zero: none.</summary>
    public ushort TopicAliasMaximum { get; init; } = 16;

    /// <summary>How many topic aliases this client uses where the broker allows as many.</summary>
    public ushort OutgoingTopicAliasMaximum { get; init; } = 16;

    /// <summary>QoS 1 and 2 messages that are queued or not yet acknowledged; further ones wait in PublishAsync.</summary>
    public int MaxPending { get; init; } = 1_000;

    /// <summary>Received messages that wait for the handler; QoS 0 messages beyond are dropped and counted.</summary>
    public int ReceiveQueueLimit { get; init; } = 1_000;

    /// <summary>
    /// True: a QoS 1 or 2 message is acknowledged by <see cref="MqttReceivedMessage.AckAsync"/> only. False: also when the
    /// handler returns.
    /// </summary>
    public bool AcknowledgeManually { get; init; }

    /// <summary>Bounds everything from opening the socket to CONNACK, the wait for a SUBACK or UNSUBACK, and a graceful close.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The delay before the first reconnect; it doubles with every failure.</summary>
    public TimeSpan ReconnectMinimum { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan ReconnectMaximum { get; init; } = TimeSpan.FromSeconds(60);

    /// <exception cref="ArgumentException">A value is out of range.</exception>
    internal void Validate()
    {
        Require(ProtocolVersion is MqttProtocolVersion.V311 or MqttProtocolVersion.V500, nameof(ProtocolVersion));
        Require(KeepAlive >= TimeSpan.Zero && KeepAlive.TotalSeconds <= ushort.MaxValue, nameof(KeepAlive));
        Require(SessionExpiry >= TimeSpan.Zero, nameof(SessionExpiry));
        Require(ReceiveMaximum > 0, nameof(ReceiveMaximum));
        Require(MaximumPacketSize > 0, nameof(MaximumPacketSize));
        Require(MaxPending is > 0 and < ushort.MaxValue, nameof(MaxPending));
        Require(ReceiveQueueLimit > 0, nameof(ReceiveQueueLimit));
        Require(ConnectTimeout > TimeSpan.Zero, nameof(ConnectTimeout));
        Require(ReconnectMinimum > TimeSpan.Zero && ReconnectMaximum >= ReconnectMinimum, nameof(ReconnectMinimum));
        Require(UserName is not null || Password is null || ProtocolVersion == MqttProtocolVersion.V500, nameof(UserName));
        Require(Will is null || (MqttTopic.IsValidName(Will.Topic) && Enum.IsDefined(Will.QoS)), nameof(Will));
        Require(ClientId.Length > 0 || CleanStart || ProtocolVersion == MqttProtocolVersion.V500, nameof(ClientId));
    }

    private static void Require(bool condition, string name)
    {
        if (!condition)
        {
            throw new ArgumentException($"{nameof(MqttClientOptions)}.{name} is out of range.", name);
        }
    }
}
