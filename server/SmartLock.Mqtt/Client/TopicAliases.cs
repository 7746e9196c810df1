namespace SmartLock.Mqtt.Client;

/// <summary>The topic aliases of one connection, one table per direction (section 3.3.2.3.4).</summary>
internal sealed class TopicAliases(ushort incomingMaximum, ushort outgoingMaximum)
{
    private string?[]? _incoming;
    private Dictionary<string, ushort>? _outgoing;

    /// <summary>The topic that the packet means; remembers it under its alias.</summary>
    /// <exception cref="MqttProtocolException">The alias is beyond what was allowed, or stands for nothing.</exception>
    public string Resolve(ReadOnlySpan<byte> topic, ushort alias)
    {
        if (alias == 0)
        {
            return MqttUtf8.GetString(topic);
        }

        if (alias > incomingMaximum)
        {
            MqttProtocolException.Throw(MqttReasonCode.TopicAliasInvalid, "A topic alias is greater than allowed.");
        }

        _incoming ??= new string?[incomingMaximum + 1];
        if (!topic.IsEmpty)
        {
            _incoming[alias] = MqttUtf8.GetString(topic);
        }
        else if (_incoming[alias] is null)
        {
            MqttProtocolException.ThrowProtocolError("A topic alias stands for no topic.");
        }

        return _incoming[alias]!;
    }

    /// <summary>
    /// The alias for a topic, zero for none. The first topics get one and keep it: a device publishes to one or two.
    /// </summary>
    /// <param name="topic">A valid topic name.</param>
    /// <param name="isKnown">The broker has been told already, so the topic may be left out.</param>
    public ushort AliasOf(string topic, out bool isKnown)
    {
        isKnown = false;
        if (outgoingMaximum == 0)
        {
            return 0;
        }

        _outgoing ??= new Dictionary<string, ushort>(StringComparer.Ordinal);
        if (_outgoing.TryGetValue(topic, out var alias))
        {
            isKnown = true;
            return alias;
        }

        if (_outgoing.Count >= outgoingMaximum)
        {
            return 0;
        }

        alias = (ushort)(_outgoing.Count + 1);
        _outgoing.Add(topic, alias);
        return alias;
    }
}
