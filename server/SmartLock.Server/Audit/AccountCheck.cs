namespace SmartLock.Server.Audit;

/// <summary>Whether the accounts that entries name are those that did what the entries tell. Pure. It remembers one id per account that is named.</summary>
/// <param name="isWhole">The whole log was read: then accounts that no entry names are looked at as well.</param>
internal sealed class AccountCheck(AuditChain chain, bool isWhole)
{
    private readonly HashSet<string> _named = new(StringComparer.Ordinal);
    private readonly HashSet<string> _altered = new(StringComparer.Ordinal);
    private readonly List<BrokenAccount> _broken = [];

    public long BrokenAccounts { get; private set; }

    /// <summary>The first <see cref="ChainCheck.MostNamed"/>.</summary>
    public IReadOnlyList<BrokenAccount> Broken => _broken;

    public void AddEntry(ChainedEntry entry)
    {
        Add(entry.Actor);
        if (entry.Target is { } target)
        {
            Add(target);
        }
    }

    public void Add(AccountBinding account)
    {
        var isNamed = _named.Remove(account.Id);
        if ((isNamed || isWhole) && !chain.IsBound(account))
        {
            Note(new BrokenAccount(account.Id, account.Username, AccountFault.Altered));
        }
    }

    /// <summary>All accounts were added.</summary>
    public void End()
    {
        foreach (var id in _named)
        {
            Note(new BrokenAccount(id, null, AccountFault.Missing));
        }

        foreach (var nameHash in _altered)
        {
            Note(new BrokenAccount(nameHash, null, AccountFault.WrittenWhileAltered));
        }
    }

    private void Add(string stored)
    {
        if (LogNames.AccountIdOf(stored) is { } id)
        {
            _named.Add(id);
        }
        else if (LogNames.AlteredOf(stored) is { } nameHash)
        {
            _altered.Add(nameHash);
        }
    }

    private void Note(BrokenAccount broken)
    {
        BrokenAccounts++;
        if (_broken.Count < ChainCheck.MostNamed)
        {
            _broken.Add(broken);
        }
    }
}
