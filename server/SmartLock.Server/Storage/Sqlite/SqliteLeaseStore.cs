using SmartLock.Server.Replicas;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>Relaxed: after a loss of power all processes on the file start anew.</summary>
internal sealed class SqliteLeaseStore(SqliteDatabase database) : ILeaseStore
{
    private const string Take = """
        INSERT INTO leases (name, holder, until) VALUES (?1, ?2, ?4)
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
        WHERE holder = ?2 OR until <= ?3 OR until > ?5
        """;

    private const string Release = "DELETE FROM leases WHERE name = ?1 AND holder = ?2";

    public Task<bool> TryTakeAsync(string name, string holder, DateTimeOffset now, DateTimeOffset until, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Relaxed,
            session =>
            {
                using var take = session.Use(Take);
                return take.Bind(1, name).Bind(2, holder).Bind(3, now).Bind(4, until).Bind(5, now + ILeaseStore.Longest).Run() == 1;
            },
            ct);

    public Task ReleaseAsync(string name, string holder, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Relaxed,
            session =>
            {
                using var release = session.Use(Release);
                return release.Bind(1, name).Bind(2, holder).Run();
            },
            ct);
}
