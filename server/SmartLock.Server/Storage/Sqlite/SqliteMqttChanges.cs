using System.Buffers.Binary;
using SmartLock.Mqtt.Broker.Persistence;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>
/// Each change of the broker's as a statement. A batch may come again after a commit that failed when it had succeeded: what belongs to
/// a session that the batch itself removes is then passed over, not refused.
/// </summary>
internal static class SqliteMqttChanges
{
    private const string SaveSession = """
        INSERT INTO mqtt_sessions (id, identity, client_id, expiry_ms, saved_at, left_at, sent_through, send_window,
            will_topic, will_payload, will_properties, will_qos, will_retain, will_delay_s, will_expiry_s)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
        ON CONFLICT (id) DO UPDATE SET
            identity = ?2, client_id = ?3, expiry_ms = ?4, saved_at = ?5, left_at = ?6, sent_through = ?7, send_window = ?8,
            will_topic = ?9, will_payload = ?10, will_properties = ?11, will_qos = ?12, will_retain = ?13, will_delay_s = ?14, will_expiry_s = ?15
        """;

    private const string RemoveSession = "DELETE FROM mqtt_sessions WHERE id = ?1";

    private const string SaveSubscription = """
        INSERT INTO mqtt_subscriptions (session_id, filter, qos, no_local, retain_as_published, identifier)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM mqtt_sessions WHERE id = ?1)
        ON CONFLICT (session_id, filter) DO UPDATE SET qos = ?3, no_local = ?4, retain_as_published = ?5, identifier = ?6
        """;

    private const string RemoveSubscription = "DELETE FROM mqtt_subscriptions WHERE session_id = ?1 AND filter = ?2";

    private const string QueueMessage = """
        INSERT OR REPLACE INTO mqtt_messages (session_id, sequence, qos, retain, expires_at, identifiers, topic, properties, payload)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 WHERE EXISTS (SELECT 1 FROM mqtt_sessions WHERE id = ?1)
        """;

    private const string ReceiveMessage = """
        UPDATE mqtt_messages SET received = 1, expires_at = NULL, identifiers = x'', topic = x'', properties = x'', payload = x''
        WHERE session_id = ?1 AND sequence = ?2
        """;

    private const string CompleteMessage = "DELETE FROM mqtt_messages WHERE session_id = ?1 AND sequence = ?2";

    private const string AddIncoming =
        "INSERT OR IGNORE INTO mqtt_incoming (session_id, packet_id) SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM mqtt_sessions WHERE id = ?1)";

    private const string RemoveIncoming = "DELETE FROM mqtt_incoming WHERE session_id = ?1 AND packet_id = ?2";

    private const string SaveRetained =
        "INSERT OR REPLACE INTO mqtt_retained (topic, qos, expires_at, properties, payload, publisher_identity, publisher_client_id) "
        + "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

    private const string RemoveRetained = "DELETE FROM mqtt_retained WHERE topic = ?1";
    private const string SaveAlive = "INSERT INTO mqtt_alive (id, at) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET at = ?1";

    public static void Apply(SqliteSession session, MqttSessionChange change)
    {
        using var statement = session.Use(StatementOf(change));
        _ = change switch
        {
            MqttSessionSaved saved => Bind(statement, saved),
            MqttSessionRemoved removed => statement.Bind(1, removed.SessionId),
            MqttSubscriptionSaved saved => statement.Bind(1, saved.SessionId).Bind(2, saved.Filter).Bind(3, (long)saved.QoS)
                .Bind(4, saved.NoLocal).Bind(5, saved.RetainAsPublished).Bind(6, (long)saved.Identifier),
            MqttSubscriptionRemoved removed => statement.Bind(1, removed.SessionId).Bind(2, removed.Filter),
            MqttMessageQueued queued => Bind(statement, queued),
            MqttMessageReceived received => statement.Bind(1, received.SessionId).Bind(2, received.Sequence),
            MqttMessageCompleted completed => statement.Bind(1, completed.SessionId).Bind(2, completed.Sequence),
            MqttIncomingAdded added => statement.Bind(1, added.SessionId).Bind(2, (long)added.PacketId),
            MqttIncomingRemoved removed => statement.Bind(1, removed.SessionId).Bind(2, (long)removed.PacketId),
            MqttRetainedSaved retained => statement.Bind(1, retained.Topic.Span).Bind(2, (long)retained.QoS)
                .Bind(3, retained.ExpiresAt?.ToUnixTimeMilliseconds()).Bind(4, retained.Properties.Span).Bind(5, retained.Payload.Span)
                .Bind(6, retained.Publisher?.Identity).Bind(7, retained.Publisher?.ClientId),
            MqttRetainedRemoved removed => statement.Bind(1, removed.Topic.Span),
            MqttBrokerAlive alive => statement.Bind(1, alive.At),
            _ => throw Unknown(change),
        };
        statement.Run();
    }

    private static string StatementOf(MqttSessionChange change) => change switch
    {
        MqttSessionSaved => SaveSession,
        MqttSessionRemoved => RemoveSession,
        MqttSubscriptionSaved => SaveSubscription,
        MqttSubscriptionRemoved => RemoveSubscription,
        MqttMessageQueued => QueueMessage,
        MqttMessageReceived => ReceiveMessage,
        MqttMessageCompleted => CompleteMessage,
        MqttIncomingAdded => AddIncoming,
        MqttIncomingRemoved => RemoveIncoming,
        MqttRetainedSaved => SaveRetained,
        MqttRetainedRemoved => RemoveRetained,
        MqttBrokerAlive => SaveAlive,
        _ => throw Unknown(change),
    };

    private static SqliteStatement Bind(SqliteStatement statement, MqttSessionSaved saved)
    {
        statement.Bind(1, saved.SessionId).Bind(2, saved.Identity).Bind(3, saved.ClientId).Bind(4, (long)saved.Expiry.TotalMilliseconds)
            .Bind(5, saved.SavedAt).Bind(6, saved.LeftAt?.ToUnixTimeMilliseconds()).Bind(7, saved.SentThrough).Bind(8, (long)saved.Window);
        if (saved.Will is not { } will)
        {
            for (var parameter = 9; parameter <= 15; parameter++)
            {
                statement.Bind(parameter, (string?)null);
            }

            return statement;
        }

        return statement.Bind(9, will.Topic).Bind(10, will.Payload.Span).Bind(11, will.Properties.Span).Bind(12, (long)will.QoS)
            .Bind(13, will.Retain).Bind(14, (long)will.DelaySeconds).Bind(15, (long?)will.ExpirySeconds);
    }

    private static SqliteStatement Bind(SqliteStatement statement, MqttMessageQueued queued)
    {
        Span<byte> identifiers = new byte[queued.SubscriptionIdentifiers.Count * sizeof(uint)];
        for (var i = 0; i < queued.SubscriptionIdentifiers.Count; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(identifiers[(i * sizeof(uint))..], queued.SubscriptionIdentifiers[i]);
        }

        return statement.Bind(1, queued.SessionId).Bind(2, queued.Sequence).Bind(3, (long)queued.QoS).Bind(4, queued.Retain)
            .Bind(5, queued.ExpiresAt?.ToUnixTimeMilliseconds()).Bind(6, identifiers).Bind(7, queued.Topic.Span)
            .Bind(8, queued.Properties.Span).Bind(9, queued.Payload.Span);
    }

    private static InvalidOperationException Unknown(MqttSessionChange change) => new($"The store does not know {change.GetType()}.");
}
