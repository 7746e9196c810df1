using SmartLock.Mqtt;
using SmartLock.Mqtt.Broker.Persistence;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>What the embedded broker keeps, in the store's file or in one of its own. A batch is one transaction.</summary>
internal sealed class SqliteMqttStore(SqliteDatabase database) : IMqttSessionStore
{
    private const string SelectSessions = "SELECT * FROM mqtt_sessions ORDER BY id";

    private const string SelectSubscriptions = "SELECT * FROM mqtt_subscriptions ORDER BY number";

    private const string SelectMessages =
        "SELECT *, identifiers AS subscription_identifiers, received AS is_received FROM mqtt_messages ORDER BY session_id, sequence";

    private const string SelectIncoming = "SELECT * FROM mqtt_incoming";

    private const string SelectRetained = "SELECT * FROM mqtt_retained";

    private const string SelectAlive = "SELECT * FROM mqtt_alive";

    /// <summary>Why the file takes no writes just now, or null.</summary>
    public string? WriteFailure => database.WriteFailure;

    public async ValueTask LoadAsync(Action<MqttSessionChange> take, CancellationToken ct)
    {
        await database.ReadAsync(
            session =>
            {
                foreach (var change in Load(session))
                {
                    take(change);
                }

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

    /// <summary>Row by row: the payloads of all sessions need not be in memory twice.</summary>
    private static IEnumerable<MqttSessionChange> Load(SqliteSession session) =>
        session.Stream<SessionRow>(SelectSessions).Select(MqttSessionChange (row) => row.ToChange())
            .Concat(session.Stream<MqttSubscriptionSaved>(SelectSubscriptions))
            .Concat(session.Stream<MqttMessageQueued, long, MqttSessionChange[]>(SelectMessages, ChangesOf, "is_received").SelectMany(changes => changes))
            .Concat(session.Stream<MqttIncomingAdded>(SelectIncoming))
            .Concat(session.Stream<RetainedRow>(SelectRetained).Select(row => row.ToChange()))
            .Concat(session.Stream<MqttBrokerAlive>(SelectAlive));

    private static MqttSessionChange[] ChangesOf(MqttMessageQueued message, long isReceived) =>
        isReceived == 0 ? [message] : [message, new MqttMessageReceived(message.SessionId, message.Sequence)];

    private sealed record SessionRow(
        long Id,
        string Identity,
        string ClientId,
        long ExpiryMs,
        DateTimeOffset SavedAt,
        DateTimeOffset? LeftAt,
        long SentThrough,
        int SendWindow,
        string? WillTopic,
        ReadOnlyMemory<byte> WillPayload,
        ReadOnlyMemory<byte> WillProperties,
        MqttQoS WillQos,
        bool WillRetain,
        uint WillDelayS,
        uint? WillExpiryS)
    {
        public MqttSessionSaved ToChange() => new(Id, Identity, ClientId)
        {
            Expiry = TimeSpan.FromMilliseconds(ExpiryMs),
            SavedAt = SavedAt,
            LeftAt = LeftAt,
            SentThrough = SentThrough,
            Window = SendWindow,
            Will = WillTopic is null
                ? null
                : new MqttStoredWill(WillTopic, WillPayload, WillProperties, WillQos, WillRetain, WillDelayS, WillExpiryS),
        };
    }

    private sealed record RetainedRow(
        ReadOnlyMemory<byte> Topic,
        MqttQoS Qos,
        DateTimeOffset? ExpiresAt,
        ReadOnlyMemory<byte> Properties,
        ReadOnlyMemory<byte> Payload,
        string? PublisherIdentity,
        string? PublisherClientId)
    {
        public MqttRetainedSaved ToChange() => new(Topic)
        {
            QoS = Qos,
            ExpiresAt = ExpiresAt,
            Properties = Properties,
            Payload = Payload,
            Publisher = PublisherIdentity is null ? null : new MqttStoredPublisher(PublisherIdentity, PublisherClientId!),
        };
    }
}
