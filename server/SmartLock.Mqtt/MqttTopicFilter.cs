namespace SmartLock.Mqtt;

/// <summary>Topic filters: grammar, shared subscriptions and matching (MQTT 5.0 sections 4.7 and 4.8).</summary>
public static class MqttTopicFilter
{
    private const byte Separator = (byte)'/';

    private static ReadOnlySpan<byte> SharePrefix => "$share/"u8;

    /// <summary>
    /// Well-formed UTF-8 without U+0000; "+" fills a whole level, "#" the last one; after "$share/" stand a name without
    /// wildcards and a filter.
    /// </summary>
    public static bool IsValid(ReadOnlySpan<byte> filter)
    {
        if (filter.Length is 0 or > MqttTopic.MaximumLength || filter.Contains((byte)0) || !MqttUtf8.IsWellFormed(filter))
        {
            return false;
        }

        if (!IsShared(filter))
        {
            return HasValidWildcards(filter);
        }

        return TrySplitShared(filter, out _, out var inner) && HasValidWildcards(inner);
    }

    public static bool IsValid(string filter)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return MqttUtf8.TryGetByteCount(filter, out _) && IsValid(MqttUtf8.GetBytes(filter));
    }

    public static bool IsShared(ReadOnlySpan<byte> filter) => filter.StartsWith(SharePrefix);

    public static bool IsShared(string filter)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return filter.StartsWith("$share/", StringComparison.Ordinal);
    }

    public static bool HasWildcard(ReadOnlySpan<byte> filter) => MqttTopic.ContainsWildcard(filter);

    /// <summary>Splits "$share/group/filter"; false when it is not of that form or a part is empty.</summary>
    public static bool TrySplitShared(ReadOnlySpan<byte> filter, out ReadOnlySpan<byte> group, out ReadOnlySpan<byte> inner)
    {
        group = inner = default;
        if (!IsShared(filter))
        {
            return false;
        }

        var rest = filter[SharePrefix.Length..];
        var end = rest.IndexOf(Separator);
        if (end <= 0 || end == rest.Length - 1 || MqttTopic.ContainsWildcard(rest[..end]))
        {
            return false;
        }

        group = rest[..end];
        inner = rest[(end + 1)..];
        return true;
    }

    /// <summary>
    /// Whether a valid filter (without a "$share" prefix) matches a valid topic name. A wildcard in the first level does not
    /// match a topic that begins with "$" [MQTT-4.7.2-1].
    /// </summary>
    public static bool Matches(ReadOnlySpan<byte> filter, ReadOnlySpan<byte> topic)
    {
        if (filter.IsEmpty || topic.IsEmpty || (topic[0] == '$' && (filter[0] is (byte)'#' or (byte)'+')))
        {
            return false;
        }

        while (true)
        {
            var filterLevel = FirstLevel(filter);
            if (filterLevel is [(byte)'#'])
            {
                return true;
            }

            var topicLevel = FirstLevel(topic);
            if (filterLevel is not [(byte)'+'] && !filterLevel.SequenceEqual(topicLevel))
            {
                return false;
            }

            filter = filter[filterLevel.Length..];
            topic = topic[topicLevel.Length..];
            if (topic.IsEmpty)
            {
                // "a/#" matches its parent level "a" too.
                return filter.IsEmpty || filter.SequenceEqual("/#"u8);
            }

            if (filter.IsEmpty)
            {
                return false;
            }

            filter = filter[1..];
            topic = topic[1..];
        }
    }

    public static bool Matches(string filter, string topic)
    {
        return Matches(MqttUtf8.GetBytes(filter), MqttUtf8.GetBytes(topic));
    }

    private static ReadOnlySpan<byte> FirstLevel(ReadOnlySpan<byte> text)
    {
        var end = text.IndexOf(Separator);
        return end < 0 ? text : text[..end];
    }

    private static bool HasValidWildcards(ReadOnlySpan<byte> filter)
    {
        while (true)
        {
            var level = FirstLevel(filter);
            var isLast = level.Length == filter.Length;
            if (level.Length > 1 && MqttTopic.ContainsWildcard(level))
            {
                return false;
            }

            if (level is [(byte)'#'] && !isLast)
            {
                return false;
            }

            if (isLast)
            {
                return true;
            }

            filter = filter[(level.Length + 1)..];
        }
    }
}
