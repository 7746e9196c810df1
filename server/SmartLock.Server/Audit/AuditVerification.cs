namespace SmartLock.Server.Audit;

/// <param name="Broken">The first faulty entry of each broken chain; at most <see cref="ChainCheck.MostNamed"/> of them.</param>
/// <param name="BrokenAccounts">How many accounts of those that the log names are not as the server wrote them.</param>
/// <param name="Accounts">At most <see cref="ChainCheck.MostNamed"/> of them.</param>
internal sealed record VerificationReport(
    long Entries, long Chains, long BrokenChains, IReadOnlyList<BrokenChain> Broken, long BrokenAccounts, IReadOnlyList<BrokenAccount> Accounts)
{
    public bool IsIntact => BrokenChains == 0 && BrokenAccounts == 0;
}

/// <summary>Goes through the whole log, or one lock's, while the server writes on.</summary>
internal sealed class AuditVerification(IAuditStore store, AuditChain chain)
{
    private const int PageSize = 2_000;
    private int _running;

    /// <summary>Null while another one runs: it is work for a processor and the disk.</summary>
    public async Task<VerificationReport?> TryRunAsync(string? deviceId, CancellationToken ct)
    {
        if (Interlocked.Exchange(ref _running, 1) == 1)
        {
            return null;
        }

        try
        {
            return await RunAsync(deviceId, ct);
        }
        finally
        {
            Volatile.Write(ref _running, 0);
        }
    }

    public async Task<VerificationReport> RunAsync(string? deviceId, CancellationToken ct)
    {
        var check = new ChainCheck(chain);
        var accounts = new AccountCheck(chain, isWhole: deviceId is null);
        ChainPosition? position = null;
        IReadOnlyList<ChainRow> rows;
        do
        {
            rows = await store.ReadChainsAsync(deviceId, position, PageSize, ct);
            foreach (var row in rows)
            {
                check.Add(row);
                accounts.AddEntry(row.Entry);
                position = new ChainPosition(row.Entry.DeviceId, row.Entry.Sequence);
            }
        }
        while (rows.Count == PageSize);

        check.End();
        await FindVanishedAsync(deviceId, check, ct);
        await CheckAccountsAsync(accounts, ct);
        return new VerificationReport(check.Entries, check.Chains, check.BrokenChains, check.Broken, accounts.BrokenAccounts, accounts.Broken);
    }

    /// <summary>After the entries: an account is there before the first entry that names it.</summary>
    private async Task CheckAccountsAsync(AccountCheck check, CancellationToken ct)
    {
        string? after = null;
        IReadOnlyList<AccountBinding> page;
        do
        {
            page = await store.ReadAccountsAsync(after, PageSize, ct);
            foreach (var account in page)
            {
                check.Add(account);
                after = account.Id;
            }
        }
        while (page.Count == PageSize);

        check.End();
    }

    private async Task FindVanishedAsync(string? deviceId, ChainCheck check, CancellationToken ct)
    {
        string? after = null;
        IReadOnlyList<string> vanished;
        do
        {
            vanished = await store.FindVanishedAsync(deviceId, after, PageSize, ct);
            foreach (var gone in vanished)
            {
                check.AddVanished(gone);
                after = gone;
            }
        }
        while (vanished.Count == PageSize);
    }
}
