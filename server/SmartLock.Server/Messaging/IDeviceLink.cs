namespace SmartLock.Server.Messaging;

/// <summary>The way to the devices: the broker in this process, or one outside it.</summary>
internal interface IDeviceLink
{
    /// <summary>
    /// Since when (UTC) statuses have been reaching this server without a break; null while they cannot. A device may be called
    /// silent only for time in which it could have been heard.
    /// </summary>
    DateTimeOffset? ListeningSince { get; }

    /// <summary>Hands a command to the broker at QoS 1, not retained. False when there is no way to the broker now; nothing is queued then.</summary>
    ValueTask<bool> SendAsync(string deviceId, string topic, ReadOnlyMemory<byte> payload, CancellationToken ct);
}
