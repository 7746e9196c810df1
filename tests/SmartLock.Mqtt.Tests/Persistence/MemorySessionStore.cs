using System.Text;
using SmartLock.Mqtt.Broker.Persistence;

namespace SmartLock.Mqtt.Tests.Persistence;

/// <summary>Keeps what a disk would, through any number of brokers, and can be slow or broken on demand.</summary>
internal sealed class MemorySessionStore : IMqttSessionStore
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, Kept> _sessions = [];
    private readonly SortedDictionary<string, MqttRetainedSaved> _retained = new(StringComparer.Ordinal);
    private MqttBrokerAlive? _alive;
    private TaskCompletionSource? _held;

    /// <summary>Thrown at every commit while set.</summary>
    public Exception? Failure { get; set; }

    public int Commits { get; private set; }

    public int Attempts { get; private set; }

    /// <summary>From now on commits wait, as for a slow disk.</summary>
    public void Hold() => _held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void LetGo()
    {
        var held = _held;
        _held = null;
        held?.SetResult();
    }

    /// <summary>What a kill at this moment would leave behind.</summary>
    public async Task<MemorySessionStore> CopyAsync()
    {
        var all = new List<MqttSessionChange>();
        await LoadAsync(all.Add, CancellationToken.None);
        var copy = new MemorySessionStore();
        await copy.CommitAsync(all, CancellationToken.None);
        return copy;
    }

    public ValueTask LoadAsync(Action<MqttSessionChange> take, CancellationToken ct)
    {
        lock (_gate)
        {
            foreach (var kept in _sessions.Values)
            {
                take(kept.Saved);
                kept.Subscriptions.ForEach(take);
                foreach (var message in kept.Messages.Values)
                {
                    take(message);
                    if (kept.Received.Contains(message.Sequence))
                    {
                        take(new MqttMessageReceived(message.SessionId, message.Sequence));
                    }
                }

                foreach (var id in kept.Incoming)
                {
                    take(new MqttIncomingAdded(kept.Saved.SessionId, id));
                }
            }

            foreach (var retained in _retained.Values)
            {
                take(retained);
            }

            if (_alive is not null)
            {
                take(_alive);
            }
        }

        return ValueTask.CompletedTask;
    }

    public async ValueTask CommitAsync(IReadOnlyList<MqttSessionChange> changes, CancellationToken ct)
    {
        Attempts++;
        if (_held is { } held)
        {
            await held.Task.WaitAsync(ct);
        }

        if (Failure is { } failure)
        {
            throw failure;
        }

        lock (_gate)
        {
            foreach (var change in changes)
            {
                Apply(change);
            }

            Commits++;
        }
    }

    private void Apply(MqttSessionChange change)
    {
        switch (change)
        {
            case MqttSessionSaved saved when _sessions.TryGetValue(saved.SessionId, out var kept):
                kept.Saved = saved;
                break;
            case MqttSessionSaved saved:
                _sessions.Add(saved.SessionId, new Kept(saved));
                break;
            case MqttSessionRemoved removed:
                _sessions.Remove(removed.SessionId);
                break;
            case MqttRetainedSaved retained:
                _retained[Encoding.UTF8.GetString(retained.Topic.Span)] = retained with
                {
                    Topic = retained.Topic.ToArray(),
                    Properties = retained.Properties.ToArray(),
                    Payload = retained.Payload.ToArray(),
                };
                break;
            case MqttRetainedRemoved removed:
                _retained.Remove(Encoding.UTF8.GetString(removed.Topic.Span));
                break;
            case MqttBrokerAlive alive:
                _alive = alive;
                break;
            default:
                ApplyToSession(change);
                break;
        }
    }

    /// <summary>What belongs to a session that is not there, as when a batch comes twice, is passed over.</summary>
    private void ApplyToSession(MqttSessionChange change)
    {
        switch (change)
        {
            case MqttSubscriptionSaved saved:
                Find(saved.SessionId)?.Save(saved);
                break;
            case MqttSubscriptionRemoved removed:
                Find(removed.SessionId)?.Subscriptions.RemoveAll(s => s.Filter == removed.Filter);
                break;
            case MqttMessageQueued queued:
                Find(queued.SessionId)?.Messages[queued.Sequence] = CopyOf(queued);
                break;
            case MqttMessageReceived received:
                Find(received.SessionId)?.Receive(received.Sequence);
                break;
            case MqttMessageCompleted completed:
                Find(completed.SessionId)?.Complete(completed.Sequence);
                break;
            case MqttIncomingAdded added:
                Find(added.SessionId)?.Incoming.Add(added.PacketId);
                break;
            case MqttIncomingRemoved removed:
                Find(removed.SessionId)?.Incoming.Remove(removed.PacketId);
                break;
            default:
                throw new InvalidOperationException($"Unknown change {change.GetType()}.");
        }
    }

    private Kept? Find(long sessionId) => _sessions.GetValueOrDefault(sessionId);

    // The broker's memory is not the store's: only a copy is.
    private static MqttMessageQueued CopyOf(MqttMessageQueued queued) => new(queued.SessionId, queued.Sequence)
    {
        Topic = queued.Topic.ToArray(),
        Properties = queued.Properties.ToArray(),
        Payload = queued.Payload.ToArray(),
        QoS = queued.QoS,
        Retain = queued.Retain,
        SubscriptionIdentifiers = queued.SubscriptionIdentifiers,
        ExpiresAt = queued.ExpiresAt,
    };

    private sealed class Kept(MqttSessionSaved saved)
    {
        public MqttSessionSaved Saved { get; set; } = saved;

        public List<MqttSubscriptionSaved> Subscriptions { get; } = [];

        public SortedDictionary<long, MqttMessageQueued> Messages { get; } = [];

        public HashSet<long> Received { get; } = [];

        public SortedSet<ushort> Incoming { get; } = [];

        public void Save(MqttSubscriptionSaved saved)
        {
            var index = Subscriptions.FindIndex(s => s.Filter == saved.Filter);
            if (index < 0)
            {
                Subscriptions.Add(saved);
                return;
            }

            Subscriptions[index] = saved;
        }

        public void Receive(long sequence)
        {
            if (Messages.TryGetValue(sequence, out var message))
            {
                Received.Add(sequence);
                Messages[sequence] = new MqttMessageQueued(message.SessionId, sequence) { QoS = message.QoS };
            }
        }

        public void Complete(long sequence)
        {
            Messages.Remove(sequence);
            Received.Remove(sequence);
        }
    }
}
