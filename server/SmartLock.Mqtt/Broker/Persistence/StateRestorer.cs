namespace SmartLock.Mqtt.Broker.Persistence;

/// <summary>
/// Builds sessions and retained messages anew from what was stored. What does not live any more, or does not fit the limits of now, is
/// dropped in the store as well.
/// </summary>
internal sealed class StateRestorer(BrokerCore core)
{
    private readonly Dictionary<long, Found> _found = [];
    private readonly Dictionary<string, MqttIdentity?> _identities = new(StringComparer.Ordinal);
    private readonly List<MqttSessionChange> _corrections = [];
    private readonly Lock _gate = new();
    private readonly List<OverdueWill> _overdue = [];
    private readonly DateTimeOffset _now = core.Clock.Time.GetUtcNow();
    private DateTimeOffset _alive;
    private long _messages;
    private int _kept;

    private SessionJournal Journal => core.Journal!;

    public async Task RunAsync(CancellationToken ct)
    {
        await Journal.Store.LoadAsync(Take, ct).ConfigureAwait(false);
        foreach (var (id, found) in _found)
        {
            Journal.SkipSessionIds(through: id);
            Settle(id, found, await FindIdentityAsync(found.Saved.Identity, ct).ConfigureAwait(false));
        }

        BrokerLog.Restored(core.Logger, _kept, _messages, _found.Count - _kept, core.Retained.Count);
        _found.Clear();
        _identities.Clear();
        Append(_corrections);
        _corrections.Clear();
        new AliveMark(core).Start();
    }

    public void PublishOverdueWills()
    {
        OverdueWill[] all;
        lock (_gate)
        {
            all = [.. _overdue];
            _overdue.Clear();
        }

        foreach (var overdue in all)
        {
            Publish(overdue);
        }
    }

    private void Publish(OverdueWill overdue)
    {
        var turn = default(Turn);
        try
        {
            // With the publication, in one group: a will is neither lost by another crash nor published twice.
            if (overdue.EndedSession != 0)
            {
                Journal.Append(new MqttSessionRemoved(overdue.EndedSession), ref turn);
                overdue.Will.Publish(ref turn);
            }
            else if (overdue.Will.Session!.TakePendingWill(overdue.Will, ref turn))
            {
                overdue.Will.Publish(ref turn);
            }
        }
        finally
        {
            turn.End(core.Counters);
        }
    }

    private void Take(MqttSessionChange change)
    {
        switch (change)
        {
            case MqttSessionSaved saved:
                _found[saved.SessionId] = new Found(saved, new Session(core, new SessionKey(saved.Identity, saved.ClientId), new MqttIdentity(saved.Identity)));
                break;
            case MqttSubscriptionSaved saved when _found.TryGetValue(saved.SessionId, out var found):
                found.Subscriptions.Add(saved);
                break;
            case MqttMessageQueued queued when _found.TryGetValue(queued.SessionId, out var found):
                TakeMessage(queued, found);
                break;
            case MqttMessageReceived received when _found.TryGetValue(received.SessionId, out var found):
                found.Session.RestoreReceived(received.Sequence);
                break;
            case MqttIncomingAdded added when _found.TryGetValue(added.SessionId, out var found):
                found.Session.RestoreIncoming(added.PacketId);
                break;
            case MqttRetainedSaved retained:
                TakeRetained(retained);
                break;
            case MqttBrokerAlive alive:
                _alive = alive.At;
                break;
            default:
                break;
        }
    }

    private void TakeMessage(MqttMessageQueued queued, Found found)
    {
        var saved = found.Saved;
        found.FirstSequence = found.FirstSequence == 0 ? queued.Sequence : found.FirstSequence;
        // Of a client that was connected at a crash, all that its window had room for may have been sent.
        var sentThrough = saved.LeftAt is null ? Math.Max(saved.SentThrough, found.FirstSequence + saved.Window - 1) : saved.SentThrough;
        if (found.Session.TryRestoreMessage(queued, sentThrough))
        {
            found.Messages++;
            return;
        }

        core.Counters.Drop(MqttDropReason.QueueFull);
        _corrections.Add(new MqttMessageCompleted(queued.SessionId, queued.Sequence));
    }

    private void TakeRetained(MqttRetainedSaved retained)
    {
        var publication = new Publication
        {
            Topic = retained.Topic.Span,
            Properties = retained.Properties.Span,
            Payload = retained.Payload.Span,
            QoS = retained.QoS,
            Retain = true,
            ExpiresAt = core.Clock.FromUtc(retained.ExpiresAt),
        };
        SessionKey? publisher = retained.Publisher is { } by ? new SessionKey(by.Identity, by.ClientId) : null;
        if (publication.ExpiresAt <= core.Clock.Now || !core.Retained.TryRestore(publication, publisher))
        {
            _corrections.Add(new MqttRetainedRemoved(retained.Topic.ToArray()));
        }
    }

    private async ValueTask<MqttIdentity?> FindIdentityAsync(string name, CancellationToken ct)
    {
        if (!_identities.TryGetValue(name, out var identity))
        {
            identity = await core.Authenticator.RestoreAsync(name, ct).ConfigureAwait(false);
            _identities.Add(name, identity);
        }

        return identity;
    }

    private void Settle(long id, Found found, MqttIdentity? identity)
    {
        var (saved, session) = (found.Saved, found.Session);
        var leftAt = LeftAt(saved);
        var expiry = saved.Expiry < core.Options.MaxSessionExpiry ? saved.Expiry : core.Options.MaxSessionExpiry;
        var will = identity is not null && saved.Will is { } stored ? new Will(core, stored, identity) : null;
        session.Identity = identity ?? session.Identity;
        if (identity is null || leftAt + expiry <= _now || !core.Sessions.TryRestore(session))
        {
            Drop(id, session, will);
            return;
        }

        _kept++;
        _messages += found.Messages;
        session.Resume(id, expiry, leftAt);
        foreach (var subscription in found.Subscriptions)
        {
            if (core.Authorizer.CanSubscribe(identity, MatchedFilter(subscription.Filter)).IsFailure() || !session.TryRestoreSubscription(subscription))
            {
                _corrections.Add(new MqttSubscriptionRemoved(id, subscription.Filter));
            }
        }

        will?.Session = session;
        session.PendingWill = will;
        if (saved.LeftAt is null)
        {
            // Before any deadline can change it again.
            Append([session.DescribeAbsence()]);
        }

        core.Deadlines.Set(session, core.Clock.FromUtc(leftAt + expiry));
        if (will is not null)
        {
            Await(will, leftAt);
        }
    }

    private void Drop(long id, Session session, Will? will)
    {
        var turn = default(Turn);
        session.End(ref turn);
        turn.End(core.Counters);
        if (will is not null)
        {
            // The session's end publishes it.
            _overdue.Add(new OverdueWill(will, id));
            return;
        }

        _corrections.Add(new MqttSessionRemoved(id));
    }

    private void Await(Will will, DateTimeOffset leftAt)
    {
        var due = leftAt.AddSeconds(will.DelaySeconds);
        if (due <= _now)
        {
            _overdue.Add(new OverdueWill(will, EndedSession: 0));
            return;
        }

        core.Deadlines.Set(will, core.Clock.FromUtc(due));
    }

    /// <summary>A crash tells no time: its clients were there at the last sign of life, and at most until the next one was due.</summary>
    private DateTimeOffset LeftAt(MqttSessionSaved saved)
    {
        var lastSeen = saved.SavedAt > _alive ? saved.SavedAt : _alive;
        var leftAt = saved.LeftAt ?? lastSeen + AliveMark.Every;
        return leftAt < _now ? leftAt : _now;
    }

    private static string MatchedFilter(string filter)
    {
        return MqttTopicFilter.TrySplitShared(MqttUtf8.GetBytes(filter), out _, out var inner) ? MqttUtf8.GetString(inner) : filter;
    }

    private void Append(List<MqttSessionChange> changes)
    {
        var turn = default(Turn);
        foreach (var change in changes)
        {
            Journal.Append(change, ref turn);
        }

        turn.End(core.Counters);
    }

    private sealed class Found(MqttSessionSaved saved, Session session)
    {
        public MqttSessionSaved Saved => saved;

        public Session Session => session;

        public List<MqttSubscriptionSaved> Subscriptions { get; } = [];

        public long FirstSequence { get; set; }

        public int Messages { get; set; }
    }

    /// <param name="EndedSession">Zero when the session lives.</param>
    private readonly record struct OverdueWill(Will Will, long EndedSession);
}
