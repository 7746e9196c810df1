namespace SmartLock.Mqtt.Broker;

/// <summary>One topic level of the retained messages; guarded by their lock.</summary>
internal sealed class RetainedNode(RetainedNode? parent, byte[] level)
{
    private LevelMap<RetainedNode>? _children;

    public byte[] Level { get; } = level;

    public StoredMessage? Message { get; set; }

    public IEnumerable<RetainedNode> Children => _children?.Values() ?? [];

    public RetainedNode? Find(ReadOnlySpan<byte> level) => _children?.Find(level);

    public RetainedNode? Walk(ReadOnlySpan<byte> topic)
    {
        var node = this;
        foreach (var range in topic.Split((byte)'/'))
        {
            node = node.Find(topic[range]);
            if (node is null)
            {
                return null;
            }
        }

        return node;
    }

    public RetainedNode GetOrAdd(ReadOnlySpan<byte> topic)
    {
        var node = this;
        foreach (var range in topic.Split((byte)'/'))
        {
            var next = node.Find(topic[range]);
            if (next is null)
            {
                next = new RetainedNode(node, topic[range].ToArray());
                (node._children ??= new LevelMap<RetainedNode>()).Add(next.Level, next);
            }

            node = next;
        }

        return node;
    }

    public void Prune()
    {
        var node = this;
        while (node is { Message: null, Parent: { } above } && (node._children is null || node._children.Count == 0))
        {
            above._children!.Remove(node.Level);
            node = above;
        }
    }

    private RetainedNode? Parent { get; } = parent;
}
