namespace SmartLock.Server.Messaging;

/// <summary>What holds for a client of an outside broker, whichever it is.</summary>
internal static class BrokerClientLimits
{
    /// <summary>How long a command may wait for the broker's acknowledgement.</summary>
    public static readonly TimeSpan HandOverWithin = TimeSpan.FromSeconds(5);

    public static readonly TimeSpan ReconnectMaximum = TimeSpan.FromSeconds(10);

    /// <summary>Bytes; the longest message of the protocol has half a KB.</summary>
    public const int MaximumPacketSize = 16 * 1024;

    /// <summary>Received messages that wait to be handled.</summary>
    public const int ReceiveQueueLimit = 10_000;
}
