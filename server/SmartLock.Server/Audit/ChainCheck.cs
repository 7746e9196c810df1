namespace SmartLock.Server.Audit;

internal enum ChainFault
{
    /// <summary>The entry's content is not what was hashed when it was written; or it was never written by this server.</summary>
    Altered,

    /// <summary>There is no entry with this sequence number, but later ones.</summary>
    Missing,

    /// <summary>The entry names another predecessor than the one it has.</summary>
    Unlinked,

    /// <summary>It stands elsewhere in the whole log than its sequence says.</summary>
    Misplaced,

    /// <summary>It stands beyond the chain's recorded end.</summary>
    Added,

    /// <summary>The entries from this one on, up to the chain's recorded end, are gone.</summary>
    CutOff,

    /// <summary>The record of the chain's end was altered or removed.</summary>
    EndAltered,
}

/// <summary>The first entry of a chain that is not as the server wrote it.</summary>
/// <param name="Id">Position in the whole log; null where there is no such entry any more.</param>
internal sealed record BrokenChain(string DeviceId, long Sequence, long? Id, ChainFault Fault);

/// <summary>
/// Walks entries ordered by lock and sequence, and notes the first fault of each chain; what follows it in the same chain proves nothing. Pure.
/// </summary>
internal sealed class ChainCheck(AuditChain chain)
{
    /// <summary>As many are named; one with another key finds every chain broken.</summary>
    public const int MostNamed = 100;

    private readonly List<BrokenChain> _broken = [];
    private ChainRow? _last;
    private bool _isLastBroken;

    public long Entries { get; private set; }

    public long Chains { get; private set; }

    public long BrokenChains { get; private set; }

    /// <summary>The first <see cref="MostNamed"/>.</summary>
    public IReadOnlyList<BrokenChain> Broken => _broken;

    public void Add(ChainRow row)
    {
        if (_last?.Entry.DeviceId != row.Entry.DeviceId)
        {
            End();
            _last = null;
            _isLastBroken = false;
            Chains++;
        }

        Entries++;
        if (!_isLastBroken && FaultOf(row, _last?.Entry) is { } fault)
        {
            Note(fault);
        }

        _last = row;
    }

    /// <summary>The last chain is at its end.</summary>
    public void End()
    {
        if (_last is not { Entry: var entry, Head: var head } || _isLastBroken)
        {
            return;
        }

        if (head is null || head.Sequence < entry.Sequence || !chain.IsSealed(entry.DeviceId, head))
        {
            Note(new BrokenChain(entry.DeviceId, entry.Sequence, entry.Id, ChainFault.EndAltered));
        }
        else if (head.Sequence > entry.Sequence)
        {
            Note(new BrokenChain(entry.DeviceId, entry.Sequence + 1, null, ChainFault.CutOff));
        }
        else if (!head.Hash.AsSpan().SequenceEqual(entry.Hash))
        {
            Note(new BrokenChain(entry.DeviceId, entry.Sequence, entry.Id, ChainFault.EndAltered));
        }
    }

    /// <summary>A chain that has no entries left at all.</summary>
    public void AddVanished(string deviceId)
    {
        Chains++;
        Note(new BrokenChain(deviceId, 1, null, ChainFault.CutOff));
    }

    private BrokenChain? FaultOf(ChainRow row, ChainedEntry? before)
    {
        var entry = row.Entry;
        var expected = (before?.Sequence ?? 0) + 1;
        if (entry.Sequence != expected)
        {
            return new BrokenChain(entry.DeviceId, expected, null, ChainFault.Missing);
        }

        if (!chain.IsGenuine(entry))
        {
            return Broken(ChainFault.Altered);
        }

        if (!entry.PreviousHash.AsSpan().SequenceEqual(before?.Hash ?? AuditChain.Beginning))
        {
            return Broken(ChainFault.Unlinked);
        }

        if (before is not null && entry.Id <= before.Id)
        {
            return Broken(ChainFault.Misplaced);
        }

        return row.Head is { } head && entry.Sequence > head.Sequence ? Broken(ChainFault.Added) : null;

        BrokenChain Broken(ChainFault fault) => new(entry.DeviceId, entry.Sequence, entry.Id, fault);
    }

    private void Note(BrokenChain broken)
    {
        _isLastBroken = true;
        BrokenChains++;
        if (_broken.Count < MostNamed)
        {
            _broken.Add(broken);
        }
    }
}
