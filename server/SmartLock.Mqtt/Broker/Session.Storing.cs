using SmartLock.Mqtt.Broker.Persistence;

namespace SmartLock.Mqtt.Broker;

/// <summary>
/// A session that outlives its connection, where the broker has a store: every change of it is written to the journal under
/// <see cref="Gate"/>, so in the order in which it was made.
/// </summary>
internal sealed partial class Session
{
    private long _storedAs;
    private long _nextSequence = 1;
    private long _sentThrough;
    private DateTimeOffset? _leftAt;

    public bool IsStored => Volatile.Read(ref _storedAs) != 0;

    /// <summary>
    /// The client has left. Before this the session is still stored as connected, which a will that is due at once then follows.
    /// </summary>
    public void StoreDeparture(ref Turn turn)
    {
        if (_storedAs != 0)
        {
            _leftAt = core.Clock.Time.GetUtcNow();
            StorePresence(ref turn);
        }
    }

    private static ushort IdentifierOf(long sequence) => (ushort)(((sequence - 1) % ushort.MaxValue) + 1);

    private void StoreArrival(BrokerConnection connection, ref Turn turn)
    {
        if (core.Journal is not { } journal)
        {
            return;
        }

        if (connection.SessionExpiryMilliseconds == 0)
        {
            Unstore(ref turn);
            return;
        }

        if (_storedAs == 0)
        {
            Volatile.Write(ref _storedAs, journal.NextSessionId());
        }

        _leftAt = null;
        Journal(Describe(connection.Window, connection.Will), ref turn);
    }

    /// <summary>As of the present connection, or of the last.</summary>
    private void StorePresence(ref Turn turn)
    {
        if (_storedAs != 0)
        {
            Journal(Describe(_connection?.Window ?? 0, _connection is { } connection ? connection.Will : PendingWill), ref turn);
        }
    }

    private void Unstore(ref Turn turn)
    {
        if (_storedAs != 0)
        {
            Journal(new MqttSessionRemoved(_storedAs), ref turn);
            Volatile.Write(ref _storedAs, 0);
        }
    }

    private bool DeliverStored(ref Publication publication, in DeliveryTerms terms, ref Turn turn)
    {
        // A client that publishes pauses before this, or is let go; the process itself cannot.
        if (publication.Identity is null && core.Journal!.IsOverfull)
        {
            return Drop(MqttDropReason.NotStored);
        }

        if (!Enqueue(ref publication, terms, ref turn))
        {
            return false;
        }

        if (_connection is { } connection)
        {
            Pump(connection, ref turn);
        }

        return true;
    }

    private HeldDelivery Stored(in HeldDelivery held, ref Turn turn)
    {
        var message = held.Message;
        var (topic, properties) = (message.Topic.Length, message.Properties.Length);
        var queued = new MqttMessageQueued(_storedAs, _nextSequence)
        {
            Topic = message.Bytes[..topic],
            Properties = message.Bytes.Slice(topic, properties),
            Payload = message.Bytes[(topic + properties)..],
            QoS = held.Terms.QoS,
            Retain = held.Terms.Retain,
            SubscriptionIdentifiers = held.Terms.GetIdentifiers().ToArray(),
            ExpiresAt = core.Clock.ToUtc(message.ExpiresAt),
            Source = message.Hold(),
        };
        Journal(queued, ref turn);
        return held with { Sequence = _nextSequence++, Batch = turn.HoldUntil };
    }

    /// <summary>False when the window has to move first.</summary>
    private bool TryTakeIdentifier(in HeldDelivery held, int window)
    {
        return _storedAs == 0 || _inflight!.TrySkipTo(IdentifierOf(held.Sequence), window);
    }

    private void StoreReceived(long sequence, ref Turn turn)
    {
        if (_storedAs != 0)
        {
            Journal(new MqttMessageReceived(_storedAs, sequence), ref turn);
        }
    }

    private void StoreCompleted(long sequence, ref Turn turn)
    {
        if (_storedAs != 0)
        {
            Journal(new MqttMessageCompleted(_storedAs, sequence), ref turn);
        }
    }

    private void StoreIncoming(ushort id, bool isAdded, ref Turn turn)
    {
        if (_storedAs != 0)
        {
            Journal(isAdded ? new MqttIncomingAdded(_storedAs, id) : new MqttIncomingRemoved(_storedAs, id), ref turn);
        }
    }

    private void StoreSubscription(Subscription subscription, ref Turn turn)
    {
        if (_storedAs != 0)
        {
            var options = subscription.Options;
            Journal(
                new MqttSubscriptionSaved(
                    _storedAs, subscription.FullFilter, options.QoS, options.NoLocal, options.RetainAsPublished, options.Identifier),
                ref turn);
        }
    }

    private void StoreUnsubscription(Subscription subscription, ref Turn turn)
    {
        if (_storedAs != 0)
        {
            Journal(new MqttSubscriptionRemoved(_storedAs, subscription.FullFilter), ref turn);
        }
    }

    private MqttSessionSaved Describe(int window, Will? will) => new(_storedAs, Key.Identity, Key.ClientId)
    {
        Expiry = TimeSpan.FromMilliseconds(ExpiryMilliseconds),
        SavedAt = core.Clock.Time.GetUtcNow(),
        LeftAt = _leftAt,
        SentThrough = _sentThrough,
        Window = window,
        Will = will?.ToStored(),
    };

    private void Journal(MqttSessionChange change, ref Turn turn) => core.Journal!.Append(change, ref turn);
}
