using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>An entry's key is what keeps it from being appended twice, as with any other; here it comes from elsewhere.</summary>
internal sealed class MongoImportStore(MongoLog log, MongoNames names, AuditChain chain, TimeProvider time) : IImportStore
{
    public async Task AppendAsync(IReadOnlyList<ImportedEntry> entries, CancellationToken ct)
    {
        var stored = await names.ToStoredAsync(entries.SelectMany(e => new[] { e.Entry.Actor, e.Entry.Target }.OfType<string>()), ct);
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        await log.AppendAsync([.. entries.Select(Prepare)], ct);

        // No owner's to read: the lock is not registered yet.
        OutboxEntry Prepare(ImportedEntry imported)
        {
            var entry = imported.Entry with
            {
                Actor = stored[imported.Entry.Actor],
                Target = imported.Entry.Target is { } target ? stored[target] : null,
            };
            return new OutboxEntry(imported.Key, entry, null, now, chain.MarkOf(imported.Key, null, MongoChains.Unlinked(entry)));
        }
    }
}
