using SmartLock.Mqtt.Broker.Persistence;

namespace SmartLock.Mqtt.Broker;

/// <summary>The last retained message of each topic, bounded in number and bytes. Expired ones go when they are met, or room is needed.</summary>
internal sealed class RetainedMessages(MqttBrokerOptions options, BrokerClock clock, BrokerCounters counters, SessionJournal? journal = null)
{
    private readonly Lock _gate = new();
    private readonly RetainedNode _root = new(null, []);
    private int _count;
    private long _bytes;

    public int Count => Volatile.Read(ref _count);

    /// <summary>An empty payload takes the topic's message away.</summary>
    public void Set(in Publication publication, ref Turn turn)
    {
        lock (_gate)
        {
            if (publication.Payload.IsEmpty)
            {
                Remove(publication.Topic, ref turn);
                return;
            }

            var message = StoredMessage.Keep(publication);
            if (publication.Topic.Count((byte)'/') >= options.MaxTopicLevels || !MakeRoom(message, ref turn))
            {
                // What is kept would be out of date from now on.
                Remove(publication.Topic, ref turn);
                counters.Drop(MqttDropReason.NotRetained);
                return;
            }

            var node = _root.GetOrAdd(publication.Topic);
            Put(node, message, ref turn);
        }
    }

    /// <summary>Puts back what was stored, unless there is a newer one.</summary>
    /// <returns>False when there is no room for it.</returns>
    public bool TryRestore(in Publication publication, SessionKey? publisher)
    {
        lock (_gate)
        {
            if (_root.Walk(publication.Topic) is { Message: not null })
            {
                return true;
            }

            var message = StoredMessage.Keep(publication);
            message.Publisher = publisher;
            if (publication.Topic.Count((byte)'/') >= options.MaxTopicLevels || !Fits(message))
            {
                return false;
            }

            Keep(_root.GetOrAdd(publication.Topic), message);
            return true;
        }
    }

    /// <summary>What is retained under a filter, in no particular order.</summary>
    public void Collect(ReadOnlySpan<byte> filter, List<StoredMessage> into, ref Turn turn)
    {
        lock (_gate)
        {
            if (_count == 0)
            {
                return;
            }

            var expired = new List<RetainedNode>();
            Collect(_root, filter, atRoot: true, into, expired);
            foreach (var node in expired)
            {
                Put(node, null, ref turn);
            }
        }
    }

    private void Collect(RetainedNode node, ReadOnlySpan<byte> filter, bool atRoot, List<StoredMessage> into, List<RetainedNode> expired)
    {
        var slash = filter.IndexOf((byte)'/');
        var level = slash < 0 ? filter : filter[..slash];
        var rest = slash < 0 ? default : filter[(slash + 1)..];
        if (level is [(byte)'#'])
        {
            if (!atRoot)
            {
                Take(node, into, expired);
            }

            CollectBelow(node, atRoot, into, expired);
            return;
        }

        if (level is [(byte)'+'])
        {
            foreach (var child in node.Children)
            {
                if (!atRoot || child.Level is not [(byte)'$', ..])
                {
                    Continue(child, slash < 0, rest, into, expired);
                }
            }

            return;
        }

        if (node.Find(level) is { } found)
        {
            Continue(found, slash < 0, rest, into, expired);
        }
    }

    private void Continue(RetainedNode node, bool isLast, ReadOnlySpan<byte> rest, List<StoredMessage> into, List<RetainedNode> expired)
    {
        if (isLast)
        {
            Take(node, into, expired);
            return;
        }

        Collect(node, rest, atRoot: false, into, expired);
    }

    private void CollectBelow(RetainedNode node, bool atRoot, List<StoredMessage> into, List<RetainedNode> expired)
    {
        foreach (var child in node.Children)
        {
            if (atRoot && child.Level is [(byte)'$', ..])
            {
                continue;
            }

            Take(child, into, expired);
            CollectBelow(child, atRoot: false, into, expired);
        }
    }

    private void Take(RetainedNode node, List<StoredMessage> into, List<RetainedNode> expired)
    {
        if (node.Message is not { } message)
        {
            return;
        }

        if (message.HasExpired(clock.Now))
        {
            expired.Add(node);
            return;
        }

        into.Add(message);
    }

    private bool MakeRoom(StoredMessage message, ref Turn turn)
    {
        if (Fits(message))
        {
            return true;
        }

        var expired = new List<RetainedNode>();
        CollectBelow(_root, atRoot: false, [], expired);
        foreach (var node in expired)
        {
            Put(node, null, ref turn);
        }

        return Fits(message);
    }

    private bool Fits(StoredMessage message)
    {
        var old = _root.Walk(message.Topic)?.Message;
        return _count + (old is null ? 1 : 0) <= options.MaxRetainedMessages
            && _bytes - (old?.Length ?? 0) + message.Length <= options.MaxRetainedBytes;
    }

    private void Remove(ReadOnlySpan<byte> topic, ref Turn turn)
    {
        if (_root.Walk(topic) is { } node)
        {
            Put(node, null, ref turn);
        }
    }

    private void Put(RetainedNode node, StoredMessage? message, ref Turn turn)
    {
        if (journal is not null && (message ?? node.Message) is { } changed)
        {
            journal.Append(ChangeOf(changed, isGone: message is null), ref turn);
        }

        Keep(node, message);
    }

    // Kept messages are never used again for another: their memory may be shared with the journal.
    private MqttSessionChange ChangeOf(StoredMessage message, bool isGone)
    {
        var (topic, properties) = (message.Topic.Length, message.Properties.Length);
        return isGone
            ? new MqttRetainedRemoved(message.Bytes[..topic])
            : new MqttRetainedSaved(message.Bytes[..topic])
            {
                Properties = message.Bytes.Slice(topic, properties),
                Payload = message.Bytes[(topic + properties)..],
                QoS = message.QoS,
                ExpiresAt = clock.ToUtc(message.ExpiresAt),
                Publisher = message.Publisher is { } publisher ? new MqttStoredPublisher(publisher.Identity, publisher.ClientId) : null,
            };
    }

    private void Keep(RetainedNode node, StoredMessage? message)
    {
        _bytes += (message?.Length ?? 0) - (node.Message?.Length ?? 0);
        _count += (message is null ? 0 : 1) - (node.Message is null ? 0 : 1);
        node.Message = message;
        if (message is null)
        {
            node.Prune();
        }
    }
}
