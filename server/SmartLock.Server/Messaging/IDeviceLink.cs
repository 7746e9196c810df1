namespace SmartLock.Server.Messaging;

internal enum HandOver
{
    /// <summary>The broker has it, for a device that is there as far as is known.</summary>
    Delivered,

    /// <summary>It certainly did not leave this process.</summary>
    NotSent,

    /// <summary>It was sent, and the broker has not acknowledged it: it may still arrive.</summary>
    Unknown,
}

/// <summary>The way to the devices: the broker in this process, or one outside it.</summary>
internal interface IDeviceLink
{
    /// <summary>
    /// Since when (UTC) statuses have been reaching this server without a break; null while they cannot. A device may be called
    /// silent only for time in which it could have been heard.
    /// </summary>
    DateTimeOffset? ListeningSince { get; }

    /// <summary>Hands a command to the broker at QoS 1, not retained, with its validity as the message's expiry.</summary>
    ValueTask<HandOver> SendAsync(string deviceId, string topic, ReadOnlyMemory<byte> payload, CancellationToken ct);

    /// <summary>
    /// Ends what a device is logged in with, because its key is no longer good: once the call has returned nothing is heard from, or handed
    /// to, its connections; awaiting it waits, some seconds at most, for their goodbyes. The logins of an outside broker are its operator's: there only
    /// the signatures change.
    /// </summary>
    ValueTask EndSessionsAsync(string deviceId);
}
