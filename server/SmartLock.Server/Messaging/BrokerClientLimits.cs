using System.Security.Cryptography;

namespace SmartLock.Server.Messaging;

/// <summary>What holds for a client of an outside broker, whichever it is.</summary>
internal static class BrokerClientLimits
{
    /// <summary>Bytes; the longest message of the protocol has half a KB.</summary>
    public const int MaximumPacketSize = 16 * 1024;

    /// <summary>Received messages that wait to be handled, beside those that the broker sends without waiting for acknowledgements.</summary>
    public const int ReceiveQueueLimit = 10_000;

    /// <summary>
    /// QoS 1 messages that the broker may send before one is acknowledged. More than <see cref="SessionExpiry"/> of a large fleet's statuses:
    /// mosquitto 2.0 hands over at once all that it kept for a session, whatever its client said, and a client that insists would lose it.
    /// </summary>
    public const ushort ReceiveMaximum = 20_000;

    /// <summary>From opening the socket to the broker's word.</summary>
    public static readonly TimeSpan ConnectWithin = TimeSpan.FromSeconds(10);

    /// <summary>How long a command may wait for the broker's acknowledgement.</summary>
    public static readonly TimeSpan HandOverWithin = TimeSpan.FromSeconds(5);

    /// <summary>How long a stop waits for what has come to be handled and acknowledged.</summary>
    public static readonly TimeSpan LeaveWithin = TimeSpan.FromSeconds(2);

    /// <summary>
    /// How long an MQTT 5 broker keeps the messages of a connection that broke. A short break loses nothing; longer, and the share of the
    /// statuses of a replica that was killed would be kept for nobody until devices seem silent (<c>Devices:OfflineAfter</c>).
    /// </summary>
    public static readonly TimeSpan SessionExpiry = TimeSpan.FromSeconds(2);

    public static readonly TimeSpan ReconnectMinimum = TimeSpan.FromSeconds(1);

    public static readonly TimeSpan ReconnectMaximum = TimeSpan.FromSeconds(10);

    /// <summary>The one of the settings, or one of this process's own.</summary>
    public static string ClientIdOf(MqttOptions options) =>
        string.IsNullOrEmpty(options.ClientId) ? $"smartlock-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}" : options.ClientId;
}
