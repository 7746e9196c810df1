using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteImportStore(SqliteDatabase database) : IImportStore
{
    private const string Note = "INSERT INTO imported_entries (device_id, key) VALUES (@DeviceId, @key) ON CONFLICT DO NOTHING";

    public Task AppendAsync(IReadOnlyList<ImportedEntry> entries, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                foreach (var (key, entry) in entries)
                {
                    if (session.Execute(Note, new { entry.DeviceId, key }) == 1)
                    {
                        session.Append(entry);
                    }
                }

                return true;
            },
            ct);
}
