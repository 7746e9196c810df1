using SmartLock.Device;

namespace SmartLock.VirtualDevice.Connection;

/// <summary>
/// One MQTT connection, subscribed to the session's command topics. Made anew for each session, since the will, fixed at CONNECT, names
/// the session.
/// </summary>
internal interface IDeviceLink : IAsyncDisposable
{
    /// <summary>Completes when the connection ends, from whichever side; with an exception only when the message handler threw it.</summary>
    Task Closed { get; }

    /// <summary>Publishes at QoS 1 without waiting. False when the connection is gone or too much is under way.</summary>
    bool TryPublish(string topic, byte[] payload);

    /// <summary>Sends DISCONNECT, so that the broker drops the will.</summary>
    Task CloseAsync();

    /// <summary>Ends the connection without DISCONNECT, as a power cut does: the broker publishes the will.</summary>
    void Abort();
}

/// <summary>Called for one message at a time; must not block.</summary>
internal delegate void MessageHandler(string topic, byte[] payload, bool retained);

/// <summary>Connects and subscribes.</summary>
/// <exception cref="LinkFailedException">The broker was not reached, or turned the device away.</exception>
internal delegate Task<IDeviceLink> OpenLink(
    VirtualLockOptions options, Session session, MessageHandler onMessage, CancellationToken cancellationToken);

internal sealed class LinkFailedException(string message, Exception? inner = null) : Exception(message, inner);
