namespace SmartLock.Server.Messaging;

/// <summary>What is known of a published message.</summary>
internal enum PublishResult
{
    /// <summary>The broker has it; the embedded one has the device connected, too.</summary>
    Delivered,

    /// <summary>It certainly did not leave this process.</summary>
    NotSent,

    /// <summary>The broker has not acknowledged it, or refused it; it may have been sent and may still arrive.</summary>
    Unknown,
}

/// <summary>The connection to the devices: by the broker in this process, or by one outside it.</summary>
internal interface IDeviceLink
{
    /// <summary>
    /// Since when (UTC) statuses have been able to reach this server without a break; null while they cannot. The absence of a device's
    /// statuses counts only from then on.
    /// </summary>
    DateTimeOffset? ListeningSince { get; }

    /// <summary>The same as a time span, by a clock that nobody sets.</summary>
    TimeSpan? ListeningFor { get; }

    /// <summary>Publishes a command at QoS 1, not retained, with its validity as the message's expiry.</summary>
    ValueTask<PublishResult> SendAsync(string deviceId, string topic, ReadOnlyMemory<byte> payload, CancellationToken ct);

    /// <summary>
    /// Disconnects a device whose key was revoked: once the call has returned, nothing is taken from or sent to its connections; the task completes
    /// when they are closed, after some seconds at most. The logins of an outside broker are its operator's: there only the signatures change.
    /// </summary>
    ValueTask EndSessionsAsync(string deviceId);
}
