namespace SmartLock.Server.Messaging.External;

/// <summary>Sizes and times of <see cref="BrokerClient"/>.</summary>
internal static class BrokerClientLimits
{
    /// <summary>Bytes; the longest message of the protocol has half a KB.</summary>
    public const int MaximumPacketSize = 16 * 1024;

    /// <summary>Received messages that wait to be handled, in addition to <see cref="ReceiveMaximum"/>. QoS 0 messages beyond it are dropped.</summary>
    public const int ReceiveQueueLimit = 10_000;

    /// <summary>
    /// QoS 1 messages that the broker may send before one is acknowledged. More than a large fleet's statuses during <see cref="SessionExpiry"/>:
    /// mosquitto 2.0 sends a resumed session's whole queue at once, whatever Receive Maximum the client announced.
    /// </summary>
    public const ushort ReceiveMaximum = 20_000;

    /// <summary>From opening the socket to CONNACK; also the wait for a SUBACK.</summary>
    public static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    /// <summary>How long a command may wait for the broker's acknowledgement.</summary>
    public static readonly TimeSpan PublishTimeout = TimeSpan.FromSeconds(5);

    /// <summary>How long a stop waits until received messages are handled and acknowledged.</summary>
    public static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(2);

    /// <summary>
    /// How long an MQTT 5 broker keeps the messages of a broken connection. Long enough for the first reconnects. Not longer: the broker would keep
    /// a killed replica's share of the statuses for nobody, until its devices are taken for offline (<c>Devices:OfflineAfter</c>).
    /// </summary>
    public static readonly TimeSpan SessionExpiry = TimeSpan.FromSeconds(2);

    public static readonly TimeSpan ReconnectMinimum = TimeSpan.FromSeconds(1);

    public static readonly TimeSpan ReconnectMaximum = TimeSpan.FromSeconds(10);
}
