using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Broker;

/// <summary>
/// Aliases that the broker sets towards one connection: first come, first served, for as many topics as the client allows. Guarded by the
/// connection's outbound lock, so that a topic travels in full before its alias stands for it.
/// </summary>
internal sealed class TopicAliasTable(int capacity, int mostBytes)
{
    // An alias takes three bytes: nothing is saved on a topic as short as that.
    private const int ShortestTopic = 4;

    private readonly LevelMap<object> _aliases = new();
    private int _bytes;

    public void Write(in OutgoingPublish publish, Outbound output)
    {
        if (publish.Topic.Length < ShortestTopic)
        {
            publish.WriteTo(output, output.Version);
            return;
        }

        if (_aliases.Find(publish.Topic) is ushort known)
        {
            With(publish, [], known).WriteTo(output, output.Version);
            return;
        }

        if (_aliases.Count >= capacity || _bytes + publish.Topic.Length > mostBytes)
        {
            publish.WriteTo(output, output.Version);
            return;
        }

        var alias = (ushort)(_aliases.Count + 1);
        var aliased = With(publish, publish.Topic, alias);
        if ((uint)aliased.GetSize(output.Version) > output.MaximumPacketSize)
        {
            publish.WriteTo(output, output.Version);
            return;
        }

        _bytes += publish.Topic.Length;
        _aliases.Add(publish.Topic.ToArray(), alias);
        aliased.WriteTo(output, output.Version);
    }

    private static OutgoingPublish With(in OutgoingPublish publish, ReadOnlySpan<byte> topic, ushort alias) => new()
    {
        Topic = topic,
        TopicAlias = alias,
        Payload = publish.Payload,
        Properties = publish.Properties,
        QoS = publish.QoS,
        Retain = publish.Retain,
        Duplicate = publish.Duplicate,
        PacketId = publish.PacketId,
        MessageExpiryInterval = publish.MessageExpiryInterval,
        SubscriptionIdentifiers = publish.SubscriptionIdentifiers,
    };
}
