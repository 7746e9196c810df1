using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteImportStore(SqliteDatabase database) : IImportStore
{
    private const string Note = "INSERT INTO imported_entries (device_id, key) VALUES (?1, ?2) ON CONFLICT DO NOTHING";

    public Task AppendAsync(IReadOnlyList<ImportedEntry> entries, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                foreach (var (key, entry) in entries)
                {
                    using var note = session.Use(Note);
                    if (note.Bind(1, entry.DeviceId).Bind(2, key).Run() == 1)
                    {
                        session.Append(entry);
                    }
                }

                return true;
            },
            ct);
}
