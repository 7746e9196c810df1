namespace SmartLock.Server.Audit;

/// <param name="Key">Says where the entry comes from; in a lock's log each key stands once.</param>
internal sealed record ImportedEntry(string Key, NewAuditEntry Entry);

/// <summary>Takes entries from elsewhere into the log.</summary>
internal interface IImportStore
{
    /// <summary>
    /// Appends them to their chains, in this order and durably, but for those whose key is there already: what was broken off can be done again from the
    /// beginning.
    /// </summary>
    Task AppendAsync(IReadOnlyList<ImportedEntry> entries, CancellationToken ct);
}
