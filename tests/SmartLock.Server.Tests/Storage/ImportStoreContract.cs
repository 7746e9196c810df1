using SmartLock.Server.Audit;
using SmartLock.Server.Legacy;

namespace SmartLock.Server.Tests.Storage;

public abstract class ImportStoreContract
{
    [Fact]
    public async Task An_entry_stands_in_its_chain_once_however_often_it_comes()
    {
        var (import, audit) = await OpenAsync();
        ImportedEntry[] first = [Entry("D1", "a", 3), Entry("D2", "a", 1), Entry("D1", "b", 1)];

        await import.AppendAsync(first, default);
        await import.AppendAsync([.. first, Entry("D1", "c", 2)], default);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => import.AppendAsync(first, default)));

        var chain = await audit.ReadChainsAsync(null, null, 100, default);
        chain.Select(row => (row.Entry.DeviceId, row.Entry.Sequence, DateTimeOffset.FromUnixTimeMilliseconds(row.Entry.Time)))
            .ShouldBe([("D1", 1, At(3)), ("D1", 2, At(1)), ("D1", 3, At(2)), ("D2", 1, At(1))]);
        var check = new ChainCheck(Chain);
        foreach (var row in chain)
        {
            check.Add(row);
        }

        check.End();
        check.BrokenChains.ShouldBe(0);
    }

    private protected abstract AuditChain Chain { get; }

    private protected abstract Task<(IImportStore Import, IAuditStore Audit)> OpenAsync();

    private static DateTimeOffset At(int hour) => StoreSet.Noon.AddHours(hour);

    private static ImportedEntry Entry(string deviceId, string key, int hour) =>
        new(key, new NewAuditEntry(At(hour), deviceId, AuditActors.LegacyUnknown, AuditActions.LockCommand, AuditResults.Imported));
}
