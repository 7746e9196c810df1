namespace SmartLock.Mqtt.Broker;

/// <summary>
/// Who a connection logged in as. Sessions are kept per identity and client id, so that nobody takes over or inherits the session of
/// another login by naming its client id.
/// </summary>
public sealed class MqttIdentity(string name)
{
    public string Name { get; } = name;

    /// <summary>
    /// Who answers for the login; what all logins of one holder have is counted together. By default each login is its own. Where connections or
    /// sessions are as many as may be, a newcomer takes the place of one of the largest holder's.
    /// </summary>
    public string Holder { get; init; } = name;

    /// <summary>Lowers <see cref="MqttBrokerOptions.MaxSessionsPerIdentity"/>; every connection has a session.</summary>
    public int MaxSessions { get; init; } = int.MaxValue;

    /// <summary>Whether its sessions may outlive their connections. If not, they end with them, whatever the client asks for.</summary>
    public bool KeepsSessions { get; init; } = true;

    /// <summary>
    /// Whether a message that was sent and not acknowledged is sent again on the next connection although it has expired, as MQTT has it (MQTT-4.4.0-1).
    /// If not, it is dropped: for what must not be delivered late, even twice.
    /// </summary>
    public bool ResendsExpired { get; init; } = true;

    /// <summary>A read-only observer: also given what is published to other identities, where it is subscribed.</summary>
    public bool SeesDirected { get; init; }

    /// <summary>
    /// What it publishes, its will too, is taken as not retained, whatever the flag says: for clients that set it without meaning it.
    /// </summary>
    public bool NeverRetains { get; init; }

    /// <summary>
    /// Lowers <see cref="MqttBrokerOptions.MaxInflight"/> for a client that drops what does not fit its own queue, and has no word
    /// for that queue's size (3.1.1 has no Receive Maximum).
    /// </summary>
    public int MaxInflight { get; init; } = ushort.MaxValue;

    /// <summary>Belongs to the system itself rather than to a device; for the authorizer to decide by.</summary>
    public bool IsServer { get; init; }

    /// <summary>Whatever the authenticator wants its authorizer to find again.</summary>
    public object? Tag { get; init; }

    public override string ToString() => Name;
}
