using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>An entry's key is kept with it, and keeps it from being appended twice.</summary>
internal sealed class MongoImportStore(MongoDatabase database) : IImportStore
{
    /// <summary>No owner's to read: the lock is not registered yet.</summary>
    public Task AppendAsync(IReadOnlyList<ImportedEntry> entries, CancellationToken ct) => database.TransactAsync(
        async transaction =>
        {
            await transaction.AppendMissingAsync([.. entries.Select(e => new PendingEntry(e.Entry, null, e.Key))]);
            return true;
        },
        ct);
}
