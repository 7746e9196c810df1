using SmartLock.Mqtt.Broker.Persistence;

namespace SmartLock.Mqtt.Broker;

/// <summary>Built anew from the store, before anybody else knows the session.</summary>
internal sealed partial class Session
{
    /// <param name="sentThrough">What has a lower sequence may have been sent, and goes again under its identifier; the others wait.</param>
    /// <param name="queued">In the order of their sequences.</param>
    /// <returns>False when more wait than may.</returns>
    public bool TryRestoreMessage(MqttMessageQueued queued, long sentThrough)
    {
        var publication = new Publication
        {
            Topic = queued.Topic.Span,
            Properties = queued.Properties.Span,
            Payload = queued.Payload.Span,
            QoS = queued.QoS,
            ExpiresAt = core.Clock.FromUtc(queued.ExpiresAt),
        };
        lock (Gate)
        {
            _nextSequence = queued.Sequence + 1;
            if (queued.Sequence <= sentThrough)
            {
                _inflight ??= new Inflight();
                if (!_inflight.TrySkipTo(IdentifierOf(queued.Sequence), ushort.MaxValue))
                {
                    return false;
                }

                _inflight.Add(new HeldDelivery(StoredMessage.Rent(publication), TermsOf(queued), queued.Sequence));
                _sentThrough = queued.Sequence;
                return true;
            }

            var size = queued.Topic.Length + queued.Properties.Length + queued.Payload.Length;
            if ((_queue?.Count ?? 0) >= core.Options.MaxQueuedMessages || _queuedBytes + size > core.Options.MaxQueuedBytes)
            {
                return false;
            }

            (_queue ??= new Queue<HeldDelivery>(4)).Enqueue(new HeldDelivery(StoredMessage.Rent(publication), TermsOf(queued), queued.Sequence));
            _queuedBytes += size;
            return true;
        }
    }

    public void RestoreReceived(long sequence)
    {
        lock (Gate)
        {
            _inflight?.TryReceive(IdentifierOf(sequence));
        }
    }

    public void RestoreIncoming(ushort id)
    {
        lock (Gate)
        {
            (_received ??= []).Add(id);
        }
    }

    /// <summary>From here on it is stored again, under the number that it had.</summary>
    public void Resume(long storedAs, TimeSpan expiry, DateTimeOffset leftAt)
    {
        lock (Gate)
        {
            ExpiryMilliseconds = (long)expiry.TotalMilliseconds;
            _leftAt = leftAt;
            Volatile.Write(ref _storedAs, storedAs);
        }
    }

    /// <returns>False when it has as many as it may.</returns>
    public bool TryRestoreSubscription(MqttSubscriptionSaved saved)
    {
        ReadOnlySpan<byte> filter = MqttUtf8.GetBytes(saved.Filter);
        string? group = null;
        if (MqttTopicFilter.TrySplitShared(filter, out var name, out var inner))
        {
            group = MqttUtf8.GetString(name);
            filter = inner;
        }

        lock (Gate)
        {
            if (_subscriptions.Length >= core.Options.MaxSubscriptionsPerSession)
            {
                return false;
            }

            var options = new SubscriptionOptions(saved.QoS, saved.NoLocal, saved.RetainAsPublished, saved.Identifier);
            core.Subscriptions.Add(new Subscription(this, options) { Group = group }, filter, beforeVisible: AddToList);
            return true;
        }
    }

    /// <summary>Of a session whose client was connected when the broker ended without a word.</summary>
    public MqttSessionSaved DescribeAbsence()
    {
        lock (Gate)
        {
            return Describe(window: 0, PendingWill);
        }
    }

    private static DeliveryTerms TermsOf(MqttMessageQueued queued) => new()
    {
        QoS = queued.QoS,
        Retain = queued.Retain,
        Identifier = queued.SubscriptionIdentifiers is [var first, ..] ? first : 0,
        Identifiers = queued.SubscriptionIdentifiers.Count > 1 ? [.. queued.SubscriptionIdentifiers] : null,
    };
}
