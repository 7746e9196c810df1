namespace SmartLock.Server.Replicas;

internal enum MessageOrder
{
    Next,

    /// <summary>It, or a later one of the same sender, was here before.</summary>
    Repeated,

    /// <summary>It is new, and some before it never came.</summary>
    AfterGap,

    /// <summary>Too old, or from too far ahead: somebody kept it back, or the sender's clock is wrong.</summary>
    Misdated,

    /// <summary>This replica's own.</summary>
    Own,
}

/// <summary>How far each sender's messages were received. Not thread-safe.</summary>
internal sealed class SenderSequences(string own, TimeProvider time)
{
    /// <summary>A message counts for as long, by the receiver's clock; so far may the clocks of two replicas differ.</summary>
    public static readonly TimeSpan GoodFor = TimeSpan.FromSeconds(30);

    private const int MostRemembered = 256;
    private readonly Dictionary<string, (long Number, DateTimeOffset ReceivedAt)> _last = new(StringComparer.Ordinal);

    public MessageOrder Judge(InvalidationMessage message)
    {
        if (message.From == own)
        {
            return MessageOrder.Own;
        }

        var now = time.GetUtcNow();
        if (Math.Abs(now.ToUnixTimeMilliseconds() - message.SentAt) > GoodFor.TotalMilliseconds)
        {
            return MessageOrder.Misdated;
        }

        if (!_last.TryGetValue(message.From, out var last))
        {
            ForgetSilent(now);
            _last[message.From] = (message.Number, now);

            // Its earlier messages are covered by what is read again on connecting.
            return MessageOrder.Next;
        }

        if (message.Number <= last.Number)
        {
            return MessageOrder.Repeated;
        }

        _last[message.From] = (message.Number, now);
        return message.Number == last.Number + 1 ? MessageOrder.Next : MessageOrder.AfterGap;
    }

    /// <summary>Every restart of a replica is a new sender; messages of one that sent nothing for so long are misdated, should they be repeated.</summary>
    private void ForgetSilent(DateTimeOffset now)
    {
        if (_last.Count < MostRemembered)
        {
            return;
        }

        foreach (var sender in _last.OrderBy(s => s.Value.ReceivedAt).Take(MostRemembered / 2).Select(s => s.Key).ToList())
        {
            _last.Remove(sender);
        }
    }
}
