namespace SmartLock.Server.Messaging;

/// <summary>Takes every message on the status topics, from whichever broker. It runs on the broker's read loops: it never throws and never waits.</summary>
internal interface IStatusReceiver
{
    /// <param name="login">The device id that the publisher logged in as on the embedded broker, which it may speak for; null on an outside one.</param>
    void Accept(ReadOnlySpan<byte> payload, bool retained, string? login);

    /// <summary>As <see cref="Accept"/>, of a device that has a connection: a last will is then of the connection before.</summary>
    void AcceptFromConnected(ReadOnlySpan<byte> payload, bool retained, string login);
}
