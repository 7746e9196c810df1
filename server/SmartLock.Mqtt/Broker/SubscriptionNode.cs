namespace SmartLock.Mqtt.Broker;

/// <summary>One topic level. Fields are published by volatile writes and read without a lock.</summary>
internal sealed class SubscriptionNode(SubscriptionNode? parent, byte[] level)
{
    private LevelMap<SubscriptionNode>? _children;
    private SubscriptionNode? _plus;
    private FilterEntry? _here;
    private FilterEntry? _below;

    public SubscriptionNode? Parent { get; } = parent;

    public byte[] Level { get; } = level;

    /// <summary>The node of the <c>+</c> child.</summary>
    public SubscriptionNode? Plus => Volatile.Read(ref _plus);

    /// <summary>Subscribers whose filter ends at this level.</summary>
    public FilterEntry? Here => Volatile.Read(ref _here);

    /// <summary>Subscribers whose filter ends with <c>/#</c> after this level.</summary>
    public FilterEntry? Below => Volatile.Read(ref _below);

    public bool IsEmpty => _here is null && _below is null && _plus is null && (_children is null || _children.Count == 0);

    public SubscriptionNode? FindChild(ReadOnlySpan<byte> level) => Volatile.Read(ref _children)?.Find(level);

    public SubscriptionNode GetOrAddChild(ReadOnlySpan<byte> level)
    {
        if (level.SequenceEqual("+"u8))
        {
            if (_plus is null)
            {
                Volatile.Write(ref _plus, new SubscriptionNode(this, "+"u8.ToArray()));
            }

            return _plus;
        }

        if (_children is null)
        {
            Volatile.Write(ref _children, new LevelMap<SubscriptionNode>());
        }

        if (_children.Find(level) is { } found)
        {
            return found;
        }

        var bytes = level.ToArray();
        var child = new SubscriptionNode(this, bytes);
        _children.Add(bytes, child);
        return child;
    }

    public void RemoveChild(SubscriptionNode child)
    {
        if (child == _plus)
        {
            Volatile.Write(ref _plus, null);
            return;
        }

        _children?.Remove(child.Level);
    }

    public FilterEntry GetOrAddEntry(bool below, ReadOnlySpan<byte> filter)
    {
        ref var entry = ref below ? ref _below : ref _here;
        if (entry is null)
        {
            Volatile.Write(ref entry, new FilterEntry(filter.ToArray()));
        }

        return entry;
    }

    public void RemoveEntry(bool below)
    {
        ref var entry = ref below ? ref _below : ref _here;
        Volatile.Write(ref entry, null);
    }
}

/// <summary>All who subscribed to one filter: each on its own, and the shared groups.</summary>
internal sealed class FilterEntry(byte[] filter)
{
    private readonly byte[] _filter = filter;
    private SubscriberSet? _own;
    private KeyValuePair<string, SubscriberSet>[]? _groups;

    public SubscriberSet? Own => Volatile.Read(ref _own);

    public KeyValuePair<string, SubscriberSet>[]? Groups => Volatile.Read(ref _groups);

    public bool IsEmpty => _own is null && _groups is null;

    public SubscriberSet GetOrAdd(string? group)
    {
        if (group is null)
        {
            if (_own is null)
            {
                Volatile.Write(ref _own, new SubscriberSet(_filter));
            }

            return _own;
        }

        foreach (var (name, set) in _groups ?? [])
        {
            if (string.Equals(name, group, StringComparison.Ordinal))
            {
                return set;
            }
        }

        var added = new SubscriberSet(_filter);
        KeyValuePair<string, SubscriberSet>[] groups = [.. _groups ?? [], new(group, added)];
        Volatile.Write(ref _groups, groups);
        return added;
    }

    public void DropIfEmpty(string? group)
    {
        if (group is null)
        {
            if (_own is { Count: 0 })
            {
                Volatile.Write(ref _own, null);
            }

            return;
        }

        var groups = _groups?.Where(g => g.Value.Count > 0).ToArray();
        Volatile.Write(ref _groups, groups is { Length: > 0 } ? groups : null);
    }
}
