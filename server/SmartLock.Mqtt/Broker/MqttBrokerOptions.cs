using System.ComponentModel.DataAnnotations;

namespace SmartLock.Mqtt.Broker;

/// <summary>Limits of the broker. Every one bounds memory or time that a client could otherwise take.</summary>
public sealed class MqttBrokerOptions
{
    /// <summary>
    /// Connections that are logged in. A further one takes the place of one of the holder with the most (<see cref="MqttIdentity.Holder"/>), which
    /// is told 0x97 Quota exceeded; where no holder has two more than its own, it is itself refused with that.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int MaxConnections { get; set; } = 50_000;

    /// <summary>
    /// Connections whose login is not accepted yet. A further one is let in, and the one that has waited longest is closed: idle sockets
    /// keep nobody out.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int MaxConnecting { get; set; } = 4096;

    /// <summary>The same of one address (IPv6: one /64 network), behind which there may be many clients.</summary>
    [Range(1, int.MaxValue)]
    public int MaxConnectingPerAddress { get; set; } = 512;

    /// <summary>TLS handshakes under way, in all; of one address <see cref="MaxConnectingPerAddress"/>. The one that has waited longest goes first.</summary>
    [Range(1, int.MaxValue)]
    public int MaxHandshakes { get; set; } = 4096;

    /// <summary>Bytes of a CONNECT, its will included. It is read before anybody knows who sends it.</summary>
    [Range(256, 268_435_460)]
    public int MaxConnectSize { get; set; } = 4 * 1024;

    /// <summary>
    /// How long the answer to a login waits that the authenticator refused; zero answers at once. Right logins are answered at once always,
    /// whatever others at their address do.
    /// </summary>
    public TimeSpan RefusalDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Refusals that wait to be told. A further one waits too, and the oldest is told at once. As many connections may have been told why they end
    /// and be closing; of these the oldest is cut.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int MaxDelayedRefusals { get; set; } = 1024;

    /// <summary>The same of one address.</summary>
    [Range(1, int.MaxValue)]
    public int MaxDelayedRefusalsPerAddress { get; set; } = 64;

    /// <summary>
    /// Sessions, connected or not. A further one ends one of the holder with the most, as for <see cref="MaxConnections"/>, one without a
    /// connection first; where there is none it is refused: v5 with 0x97 Quota exceeded, v3.1.1 with return code 3.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int MaxSessions { get; set; } = 100_000;

    /// <summary>
    /// Sessions of one login. A further one ends one that has no connection, as a client without a lasting client id leaves it; where all are
    /// connected it is refused.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int MaxSessionsPerIdentity { get; set; } = 100;

    /// <summary>How long a connection may stay without a whole CONNECT, authentication included.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Bytes of a whole packet that a client may send.</summary>
    [Range(1024, 268_435_460)]
    public int MaxPacketSize { get; set; } = 256 * 1024;

    /// <summary>
    /// Seconds. A v5 client that asks for more, or for none, is told to use this (Server Keep Alive); v3.1.1 cannot be told, and gets
    /// what it asks for.
    /// </summary>
    [Range(1, ushort.MaxValue)]
    public int MaxKeepAliveSeconds { get; set; } = 3600;

    /// <summary>
    /// How long a TCP connection may be silent before the system asks whether the peer is still there, in whole seconds; WebSockets are asked by
    /// pings too. Who does not answer for as long again is gone, whatever its keep-alive of MQTT's. Zero leaves sockets as the host makes them.
    /// While something is under way, the system's own limit for what is not acknowledged holds (Linux: a quarter of an hour).
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "09:00:00")]
    public TimeSpan TcpKeepAlive { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a session may outlive its connection, whatever the client asks for.</summary>
    public TimeSpan MaxSessionExpiry { get; set; } = TimeSpan.FromDays(1);

    /// <summary>Unacknowledged QoS 1 and 2 messages that a client may have under way to the broker (Receive Maximum).</summary>
    [Range(1, ushort.MaxValue)]
    public int ReceiveMaximum { get; set; } = 1024;

    /// <summary>
    /// Unacknowledged QoS 1 and 2 messages under way from the broker to one client; its own Receive Maximum lowers this.
    /// </summary>
    [Range(1, ushort.MaxValue)]
    public int MaxInflight { get; set; } = 1024;

    /// <summary>Topic aliases that a client may set, and that the broker sets at most towards one.</summary>
    [Range(0, ushort.MaxValue)]
    public int MaxTopicAliases { get; set; } = 16;

    /// <summary>
    /// Bytes of the topics that a client's aliases stand for; who sets more is disconnected with 0x97 Quota exceeded. The broker sets none
    /// beyond it either.
    /// </summary>
    [Range(0, int.MaxValue)]
    public int MaxTopicAliasBytes { get; set; } = 16 * 1024;

    [Range(1, 10_000)]
    public int MaxSubscriptionsPerSession { get; set; } = 100;

    /// <summary>Bytes of a session's topic filters and share names together.</summary>
    [Range(1, int.MaxValue)]
    public int MaxSubscriptionBytes { get; set; } = 16 * 1024;

    /// <summary>Levels of a session's topic filters together: each may be a node of the tree.</summary>
    [Range(1, int.MaxValue)]
    public int MaxSubscriptionLevels { get; set; } = 1000;

    /// <summary>Levels of a topic filter, and of a topic that is retained.</summary>
    [Range(1, 1000)]
    public int MaxTopicLevels { get; set; } = 32;

    /// <summary>QoS 1 and 2 messages that wait for a session, connected or not. What comes beyond is dropped and counted.</summary>
    [Range(1, int.MaxValue)]
    public int MaxQueuedMessages { get; set; } = 1000;

    /// <summary>Bytes of those messages for one session, and as much again (and one message) of those that it was sent and has not acknowledged.</summary>
    [Range(1024, int.MaxValue)]
    public int MaxQueuedBytes { get; set; } = 1024 * 1024;

    /// <summary>
    /// Bytes of QoS 1 and 2 messages that all sessions hold, a message that many hold counted once. Beyond it a session that holds more than
    /// 4 KB gets no more; those that keep up are given theirs.
    /// </summary>
    [Range(1024, long.MaxValue)]
    public long MaxHeldBytes { get; set; } = 256 * 1024 * 1024;

    /// <summary>
    /// Encoded bytes that wait for one connection's socket. Beyond it QoS 0 is dropped and counted, QoS 1 and 2 wait in the queue.
    /// A client that leaves even twice this much of acknowledgements unread is disconnected with 0x97 Quota exceeded.
    /// </summary>
    [Range(16 * 1024, int.MaxValue)]
    public int MaxOutboundBytes { get; set; } = 1024 * 1024;

    /// <summary>
    /// What the buffers of all connections may take together, beyond 4 KB that each has for itself. Beyond it a connection that holds its 4 KB gets no
    /// more, as above, and one that leaves 4 KB of acknowledgements unread is not read from until it reads; those that keep up are given theirs.
    /// What the transport itself buffers comes on top (Kestrel: up to 64 KB of a connection, <c>SocketTransportOptions.MaxWriteBufferSize</c>).
    /// </summary>
    [Range(1024, long.MaxValue)]
    public long MaxTotalOutboundBytes { get; set; } = 256 * 1024 * 1024;

    [Range(0, int.MaxValue)]
    public int MaxRetainedMessages { get; set; } = 10_000;

    /// <summary>Bytes of retained messages, and 256 for each topic level of each.</summary>
    [Range(0, int.MaxValue)]
    public int MaxRetainedBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>
    /// How long a connection that ends may take to read what it was told (CONNACK, DISCONNECT) and close its side, before it is cut; at a stop too.
    /// </summary>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(2);
}
