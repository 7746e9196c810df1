namespace SmartLock.Mqtt.Broker;

/// <summary>Told of every set of subscribers that a topic reaches. A struct, so that matching costs no allocation.</summary>
internal interface ISubscriberVisitor
{
    void VisitOwn(SubscriberSet subscribers);

    /// <summary>Exactly one member of the group is to be given the message.</summary>
    void VisitGroup(SubscriberSet members);
}

/// <summary>
/// Topic filters by level. Matching takes no lock and allocates nothing; its cost follows the levels of the topic and the
/// subscribers it reaches, not the number of filters held. Changes are serialised.
/// </summary>
internal sealed class SubscriptionTree
{
    private readonly Lock _gate = new();
    private readonly SubscriptionNode _root = new(parent: null, level: []);
    private int _count;

    public int Count => Volatile.Read(ref _count);

    /// <param name="subscription">Gets its filter here.</param>
    /// <param name="filter">Without <c>$share/group/</c>.</param>
    /// <param name="beforeVisible">Called when the subscription knows its filter and no message can reach it yet.</param>
    public void Add(Subscription subscription, ReadOnlySpan<byte> filter, Action<Subscription>? beforeVisible = null)
    {
        lock (_gate)
        {
            var set = GetOrAddSet(filter, subscription);
            beforeVisible?.Invoke(subscription);
            set.Add(subscription);
            _count++;
        }
    }

    /// <summary>The two are for the same filter and group.</summary>
    public void Replace(Subscription old, Subscription replacement)
    {
        lock (_gate)
        {
            if (old.Set is not { } set)
            {
                return;
            }

            replacement.Filter = old.Filter;
            replacement.HasWildcard = old.HasWildcard;
            set.Replace(old, replacement);
        }
    }

    public void Remove(Subscription subscription)
    {
        lock (_gate)
        {
            if (subscription.Set is not { } set)
            {
                return;
            }

            set.Remove(subscription);
            _count--;
            if (set.Count == 0)
            {
                Prune(subscription);
            }
        }
    }

    /// <returns>How many nodes were looked at: the cost of the match, for tests to hold on to.</returns>
    public int Match<TVisitor>(ReadOnlySpan<byte> topic, ref TVisitor visitor)
        where TVisitor : ISubscriberVisitor, allows ref struct
    {
        // A wildcard at the first level does not reach topics that begin with $ (MQTT 5, 4.7.2).
        var wildcards = topic.Length == 0 || topic[0] != (byte)'$';
        return Match(_root, topic, wildcards, ref visitor);
    }

    private static int Match<TVisitor>(SubscriptionNode node, ReadOnlySpan<byte> rest, bool wildcards, ref TVisitor visitor)
        where TVisitor : ISubscriberVisitor, allows ref struct
    {
        var visited = 0;
        while (true)
        {
            visited++;
            if (wildcards && node.Below is { } below)
            {
                Visit(below, ref visitor);
            }

            var slash = rest.IndexOf((byte)'/');
            var level = slash < 0 ? rest : rest[..slash];
            if (wildcards && node.Plus is { } plus)
            {
                visited += slash < 0 ? End(plus, ref visitor) : Match(plus, rest[(slash + 1)..], wildcards: true, ref visitor);
            }

            if (node.FindChild(level) is not { } child)
            {
                return visited;
            }

            if (slash < 0)
            {
                return visited + End(child, ref visitor);
            }

            node = child;
            rest = rest[(slash + 1)..];
            wildcards = true;
        }
    }

    private static int End<TVisitor>(SubscriptionNode node, ref TVisitor visitor)
        where TVisitor : ISubscriberVisitor, allows ref struct
    {
        if (node.Here is { } here)
        {
            Visit(here, ref visitor);
        }

        // "sport/#" also reaches "sport" itself (MQTT 5, 4.7.1.2).
        if (node.Below is { } below)
        {
            Visit(below, ref visitor);
        }

        return 1;
    }

    private static void Visit<TVisitor>(FilterEntry entry, ref TVisitor visitor)
        where TVisitor : ISubscriberVisitor, allows ref struct
    {
        if (entry.Own is { } own)
        {
            visitor.VisitOwn(own);
        }

        if (entry.Groups is { } groups)
        {
            foreach (var group in groups)
            {
                visitor.VisitGroup(group.Value);
            }
        }
    }

    private SubscriberSet GetOrAddSet(ReadOnlySpan<byte> filter, Subscription subscription)
    {
        var node = _root;
        var rest = filter;
        while (true)
        {
            if (rest.SequenceEqual("#"u8))
            {
                break;
            }

            var slash = rest.IndexOf((byte)'/');
            node = node.GetOrAddChild(slash < 0 ? rest : rest[..slash]);
            if (slash < 0)
            {
                break;
            }

            rest = rest[(slash + 1)..];
        }

        var set = node.GetOrAddEntry(EndsBelow(filter), filter).GetOrAdd(subscription.Group);
        subscription.Filter = set.Filter;
        subscription.HasWildcard = filter.IndexOfAny((byte)'+', (byte)'#') >= 0;
        return set;
    }

    private void Prune(Subscription subscription)
    {
        if (FindNode(subscription.Filter) is not { } node)
        {
            return;
        }

        var below = EndsBelow(subscription.Filter);
        var entry = below ? node.Below : node.Here;
        entry?.DropIfEmpty(subscription.Group);
        if (entry is { IsEmpty: true })
        {
            node.RemoveEntry(below);
        }

        while (node is { IsEmpty: true, Parent: { } parent })
        {
            parent.RemoveChild(node);
            node = parent;
        }
    }

    private SubscriptionNode? FindNode(ReadOnlySpan<byte> filter)
    {
        var node = _root;
        var rest = filter;
        while (!rest.SequenceEqual("#"u8))
        {
            var slash = rest.IndexOf((byte)'/');
            var level = slash < 0 ? rest : rest[..slash];
            var child = level.SequenceEqual("+"u8) ? node.Plus : node.FindChild(level);
            if (child is null || slash < 0)
            {
                return child;
            }

            node = child;
            rest = rest[(slash + 1)..];
        }

        return node;
    }

    private static bool EndsBelow(ReadOnlySpan<byte> filter) => filter is [.., (byte)'#'];
}
