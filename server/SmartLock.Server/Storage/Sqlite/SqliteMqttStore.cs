using System.Buffers.Binary;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Broker.Persistence;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>What the embedded broker keeps, in the store's file or in one of its own. A batch is one transaction.</summary>
internal sealed class SqliteMqttStore(SqliteDatabase database) : IMqttSessionStore
{
    private const string SelectSessions =
        "SELECT id, identity, client_id, expiry_ms, saved_at, left_at, sent_through, send_window, "
        + "will_topic, will_payload, will_properties, will_qos, will_retain, will_delay_s, will_expiry_s FROM mqtt_sessions ORDER BY id";

    private const string SelectSubscriptions =
        "SELECT session_id, filter, qos, no_local, retain_as_published, identifier FROM mqtt_subscriptions ORDER BY number";

    private const string SelectMessages =
        "SELECT session_id, sequence, qos, retain, received, expires_at, identifiers, topic, properties, payload "
        + "FROM mqtt_messages ORDER BY session_id, sequence";

    private const string SelectIncoming = "SELECT session_id, packet_id FROM mqtt_incoming";

    private const string SelectRetained =
        "SELECT topic, qos, expires_at, properties, payload, publisher_identity, publisher_client_id FROM mqtt_retained";

    private const string SelectAlive = "SELECT at FROM mqtt_alive";

    /// <summary>Why the file takes no writes just now, or null.</summary>
    public string? WriteFailure => database.WriteFailure;

    public async ValueTask LoadAsync(Action<MqttSessionChange> take, CancellationToken ct)
    {
        await database.ReadAsync(
            session =>
            {
                Read(session, SelectSessions, SessionOf, take);
                Read(session, SelectSubscriptions, SubscriptionOf, take);
                ReadMessages(session, take);
                Read(session, SelectIncoming, row => new MqttIncomingAdded(row.Int64(0), (ushort)row.Int64(1)), take);
                Read(session, SelectRetained, RetainedOf, take);
                Read(session, SelectAlive, row => new MqttBrokerAlive(row.Time(0)), take);
                return true;
            },
            ct);
    }

    public async ValueTask CommitAsync(IReadOnlyList<MqttSessionChange> changes, CancellationToken ct)
    {
        await database.WriteAsync(
            Durability.Full,
            session =>
            {
                foreach (var change in changes)
                {
                    SqliteMqttChanges.Apply(session, change);
                }

                return changes.Count;
            },
            ct);
    }

    private static void Read(SqliteSession session, string sql, Func<SqliteStatement, MqttSessionChange> change, Action<MqttSessionChange> take)
    {
        using var rows = session.Use(sql);
        while (rows.Step())
        {
            take(change(rows));
        }
    }

    private static void ReadMessages(SqliteSession session, Action<MqttSessionChange> take)
    {
        using var rows = session.Use(SelectMessages);
        while (rows.Step())
        {
            var message = MessageOf(rows);
            take(message);
            if (rows.Bool(4))
            {
                take(new MqttMessageReceived(message.SessionId, message.Sequence));
            }
        }
    }

    private static MqttSessionSaved SessionOf(SqliteStatement row) => new(row.Int64(0), row.Text(1), row.Text(2))
    {
        Expiry = TimeSpan.FromMilliseconds(row.Int64(3)),
        SavedAt = row.Time(4),
        LeftAt = row.TimeOrNull(5),
        SentThrough = row.Int64(6),
        Window = (int)row.Int64(7),
        Will = row.IsNull(8)
            ? null
            : new MqttStoredWill(
                row.Text(8),
                row.Blob(9),
                row.Blob(10),
                (MqttQoS)row.Int64(11),
                row.Bool(12),
                (uint)row.Int64(13),
                row.IsNull(14) ? null : (uint)row.Int64(14)),
    };

    private static MqttSubscriptionSaved SubscriptionOf(SqliteStatement row) =>
        new(row.Int64(0), row.Text(1), (MqttQoS)row.Int64(2), row.Bool(3), row.Bool(4), (uint)row.Int64(5));

    private static MqttMessageQueued MessageOf(SqliteStatement row) => new(row.Int64(0), row.Int64(1))
    {
        QoS = (MqttQoS)row.Int64(2),
        Retain = row.Bool(3),
        ExpiresAt = row.TimeOrNull(5),
        SubscriptionIdentifiers = IdentifiersOf(row.Blob(6)),
        Topic = row.Blob(7),
        Properties = row.Blob(8),
        Payload = row.Blob(9),
    };

    private static MqttRetainedSaved RetainedOf(SqliteStatement row) => new(row.Blob(0))
    {
        QoS = (MqttQoS)row.Int64(1),
        ExpiresAt = row.TimeOrNull(2),
        Properties = row.Blob(3),
        Payload = row.Blob(4),
        Publisher = row.IsNull(5) ? null : new MqttStoredPublisher(row.Text(5), row.Text(6)),
    };

    /// <summary>The other way about is in <see cref="SqliteMqttChanges"/>.</summary>
    private static uint[] IdentifiersOf(byte[] blob)
    {
        var identifiers = new uint[blob.Length / sizeof(uint)];
        for (var i = 0; i < identifiers.Length; i++)
        {
            identifiers[i] = BinaryPrimitives.ReadUInt32BigEndian(blob.AsSpan(i * sizeof(uint)));
        }

        return identifiers;
    }
}
