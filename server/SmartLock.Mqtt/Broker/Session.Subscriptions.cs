namespace SmartLock.Mqtt.Broker;

internal sealed partial class Session
{
    private Subscription[] _subscriptions = [];
    private int _wildcards;

    /// <summary>Oldest first. Replaced as a whole under <see cref="Gate"/>, read without.</summary>
    public Subscription[] Subscriptions => Volatile.Read(ref _subscriptions);

    /// <summary>Adds or replaces.</summary>
    /// <param name="filter">Without <c>$share/group/</c>.</param>
    /// <param name="group">The share name, if any.</param>
    /// <param name="options">What the client asked for.</param>
    /// <param name="isNew">False when the client had this filter before.</param>
    /// <param name="turn">Its answer waits until the subscription is stored.</param>
    /// <returns>Null when the session holds as many as it may, or has ended.</returns>
    public Subscription? Subscribe(ReadOnlySpan<byte> filter, string? group, in SubscriptionOptions options, out bool isNew, ref Turn turn)
    {
        lock (Gate)
        {
            isNew = false;
            if (HasEnded)
            {
                return null;
            }

            var added = new Subscription(this, options) { Group = group };
            var index = IndexOf(filter, group);
            if (index >= 0)
            {
                core.Subscriptions.Replace(_subscriptions[index], added);
                var replaced = _subscriptions.ToArray();
                replaced[index] = added;
                Volatile.Write(ref _subscriptions, replaced);
                StoreSubscription(added, ref turn);
                return added;
            }

            if (_subscriptions.Length >= core.Options.MaxSubscriptionsPerSession)
            {
                return null;
            }

            isNew = true;
            core.Subscriptions.Add(added, filter, beforeVisible: AddToList);
            StoreSubscription(added, ref turn);
            return added;
        }
    }

    public bool Unsubscribe(ReadOnlySpan<byte> filter, string? group, ref Turn turn)
    {
        lock (Gate)
        {
            var index = IndexOf(filter, group);
            if (index < 0)
            {
                return false;
            }

            // Out of the list first: a message on its way then goes by the subscriptions that remain.
            var removed = _subscriptions[index];
            var remaining = _subscriptions.Where(s => s != removed).ToArray();
            Volatile.Write(ref _subscriptions, remaining);
            _wildcards -= removed.HasWildcard ? 1 : 0;
            core.Subscriptions.Remove(removed);
            StoreUnsubscription(removed, ref turn);
            return true;
        }
    }

    /// <summary>
    /// On what terms the session is given a message that reached one of its own (not shared) subscriptions. When several overlap, it is
    /// given the message once, by the oldest, at the highest QoS and with all identifiers (MQTT 5, 3.3.4).
    /// </summary>
    /// <returns>False when another subscription gives it, or no-local forbids it.</returns>
    public bool TryGetTerms(Subscription reached, in Publication publication, out DeliveryTerms terms)
    {
        var all = Subscriptions;
        if (all.Length > 1 && Volatile.Read(ref _wildcards) > 0)
        {
            var first = Combine(all, publication, out terms);
            // A subscription made anew meanwhile has another object but the same filter.
            return first is not null && ReferenceEquals(first.Filter, reached.Filter);
        }

        terms = TermsOf(reached.Options, publication);
        return !reached.Options.NoLocal || publication.Publisher != this;
    }

    /// <summary>As above, for a message that is not routed by the tree.</summary>
    public bool TryGetTerms(in Publication publication, out DeliveryTerms terms)
    {
        return Combine(Subscriptions, publication, out terms) is not null;
    }

    public static DeliveryTerms TermsOf(in SubscriptionOptions options, in Publication publication) => new()
    {
        QoS = options.QoS < publication.QoS ? options.QoS : publication.QoS,
        Retain = publication.Retain && options.RetainAsPublished,
        Identifier = options.Identifier,
    };

    private Subscription? Combine(Subscription[] all, in Publication publication, out DeliveryTerms terms)
    {
        Subscription? first = null;
        terms = default;
        foreach (var subscription in all)
        {
            if (subscription.Group is not null
                || (subscription.Options.NoLocal && publication.Publisher == this)
                || !MqttTopicFilter.Matches(subscription.Filter, publication.Topic))
            {
                continue;
            }

            var own = TermsOf(subscription.Options, publication);
            terms = first is null ? own : Join(terms, own);
            first ??= subscription;
        }

        return first;
    }

    private static DeliveryTerms Join(in DeliveryTerms a, in DeliveryTerms b)
    {
        var identifier = a.Identifier != 0 ? a.Identifier : b.Identifier;
        var several = a.Identifier != 0 && b.Identifier != 0;
        return new DeliveryTerms
        {
            QoS = a.QoS > b.QoS ? a.QoS : b.QoS,
            Retain = a.Retain || b.Retain,
            Identifier = identifier,
            Identifiers = several ? [.. a.Identifiers ?? [a.Identifier], b.Identifier] : a.Identifiers,
        };
    }

    private void AddToList(Subscription added)
    {
        Volatile.Write(ref _wildcards, _wildcards + (added.HasWildcard ? 1 : 0));
        Volatile.Write(ref _subscriptions, [.. _subscriptions, added]);
    }

    private int IndexOf(ReadOnlySpan<byte> filter, string? group)
    {
        for (var i = 0; i < _subscriptions.Length; i++)
        {
            if (filter.SequenceEqual(_subscriptions[i].Filter) && string.Equals(group, _subscriptions[i].Group, StringComparison.Ordinal))
            {
                return i;
            }
        }

        return -1;
    }

    private void DropSubscriptions()
    {
        var all = _subscriptions;
        Volatile.Write(ref _subscriptions, []);
        foreach (var subscription in all)
        {
            core.Subscriptions.Remove(subscription);
        }
    }
}
