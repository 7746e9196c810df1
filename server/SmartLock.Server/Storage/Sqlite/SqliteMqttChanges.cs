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
        VALUES (@SessionId, @Identity, @ClientId, @ExpiryMs, @SavedAt, @LeftAt, @SentThrough, @Window,
            @WillTopic, @WillPayload, @WillProperties, @WillQos, @WillRetain, @WillDelayS, @WillExpiryS)
        ON CONFLICT (id) DO UPDATE SET
            identity = excluded.identity, client_id = excluded.client_id, expiry_ms = excluded.expiry_ms, saved_at = excluded.saved_at,
            left_at = excluded.left_at, sent_through = excluded.sent_through, send_window = excluded.send_window,
            will_topic = excluded.will_topic, will_payload = excluded.will_payload, will_properties = excluded.will_properties,
            will_qos = excluded.will_qos, will_retain = excluded.will_retain, will_delay_s = excluded.will_delay_s, will_expiry_s = excluded.will_expiry_s
        """;

    private const string RemoveSession = "DELETE FROM mqtt_sessions WHERE id = @SessionId";

    private const string SaveSubscription = """
        INSERT INTO mqtt_subscriptions (session_id, filter, qos, no_local, retain_as_published, identifier)
        SELECT @SessionId, @Filter, @QoS, @NoLocal, @RetainAsPublished, @Identifier WHERE EXISTS (SELECT 1 FROM mqtt_sessions WHERE id = @SessionId)
        ON CONFLICT (session_id, filter) DO UPDATE SET
            qos = excluded.qos, no_local = excluded.no_local, retain_as_published = excluded.retain_as_published, identifier = excluded.identifier
        """;

    private const string RemoveSubscription = "DELETE FROM mqtt_subscriptions WHERE session_id = @SessionId AND filter = @Filter";

    private const string QueueMessage = """
        INSERT OR REPLACE INTO mqtt_messages (session_id, sequence, qos, retain, expires_at, identifiers, topic, properties, payload)
        SELECT @SessionId, @Sequence, @QoS, @Retain, @ExpiresAt, @SubscriptionIdentifiers, @Topic, @Properties, @Payload
        WHERE EXISTS (SELECT 1 FROM mqtt_sessions WHERE id = @SessionId)
        """;

    private const string ReceiveMessage = """
        UPDATE mqtt_messages SET received = 1, expires_at = NULL, identifiers = x'', topic = x'', properties = x'', payload = x''
        WHERE session_id = @SessionId AND sequence = @Sequence
        """;

    private const string CompleteMessage = "DELETE FROM mqtt_messages WHERE session_id = @SessionId AND sequence = @Sequence";

    private const string AddIncoming = """
        INSERT OR IGNORE INTO mqtt_incoming (session_id, packet_id)
        SELECT @SessionId, @PacketId WHERE EXISTS (SELECT 1 FROM mqtt_sessions WHERE id = @SessionId)
        """;

    private const string RemoveIncoming = "DELETE FROM mqtt_incoming WHERE session_id = @SessionId AND packet_id = @PacketId";

    private const string SaveRetained = """
        INSERT OR REPLACE INTO mqtt_retained (topic, qos, expires_at, properties, payload, publisher_identity, publisher_client_id)
        VALUES (@Topic, @QoS, @ExpiresAt, @Properties, @Payload, @PublisherIdentity, @PublisherClientId)
        """;

    private const string RemoveRetained = "DELETE FROM mqtt_retained WHERE topic = @Topic";
    private const string SaveAlive = "INSERT INTO mqtt_alive (id, at) VALUES (1, @At) ON CONFLICT (id) DO UPDATE SET at = @At";

    public static void Apply(SqliteSession session, MqttSessionChange change)
    {
        var (sql, values) = StatementOf(change);
        session.Execute(sql, values);
    }

    private static (string Sql, object Values) StatementOf(MqttSessionChange change) => change switch
    {
        MqttSessionSaved saved => (SaveSession, ValuesOf(saved)),
        MqttSessionRemoved => (RemoveSession, change),
        MqttSubscriptionSaved => (SaveSubscription, change),
        MqttSubscriptionRemoved => (RemoveSubscription, change),
        MqttMessageQueued => (QueueMessage, change),
        MqttMessageReceived => (ReceiveMessage, change),
        MqttMessageCompleted => (CompleteMessage, change),
        MqttIncomingAdded => (AddIncoming, change),
        MqttIncomingRemoved => (RemoveIncoming, change),
        MqttRetainedSaved retained => (SaveRetained, ValuesOf(retained)),
        MqttRetainedRemoved => (RemoveRetained, change),
        MqttBrokerAlive => (SaveAlive, change),
        _ => throw new InvalidOperationException($"The store does not know {change.GetType()}."),
    };

    private static object ValuesOf(MqttSessionSaved saved) => new
    {
        saved.SessionId,
        saved.Identity,
        saved.ClientId,
        ExpiryMs = (long)saved.Expiry.TotalMilliseconds,
        saved.SavedAt,
        saved.LeftAt,
        saved.SentThrough,
        saved.Window,
        WillTopic = saved.Will?.Topic,
        WillPayload = saved.Will?.Payload.ToArray(),
        WillProperties = saved.Will?.Properties.ToArray(),
        WillQos = (int?)saved.Will?.QoS,
        WillRetain = saved.Will?.Retain,
        WillDelayS = (long?)saved.Will?.DelaySeconds,
        WillExpiryS = (long?)saved.Will?.ExpirySeconds,
    };

    private static object ValuesOf(MqttRetainedSaved retained) => new
    {
        retained.Topic,
        retained.QoS,
        retained.ExpiresAt,
        retained.Properties,
        retained.Payload,
        PublisherIdentity = retained.Publisher?.Identity,
        PublisherClientId = retained.Publisher?.ClientId,
    };
}
