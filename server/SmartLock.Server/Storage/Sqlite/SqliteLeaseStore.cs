using SmartLock.Server.Replicas;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>Relaxed: after a loss of power all processes on the file start anew.</summary>
internal sealed class SqliteLeaseStore(SqliteDatabase database) : ILeaseStore
{
    private const string Take = """
        INSERT INTO leases (name, holder, until) VALUES (@name, @holder, @until)
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
        WHERE holder = @holder OR until <= @now OR until > @farthest
        """;

    private const string Release = "DELETE FROM leases WHERE name = @name AND holder = @holder";

    public Task<bool> TryTakeAsync(string name, string holder, DateTimeOffset now, DateTimeOffset until, CancellationToken ct)
    {
        var farthest = now + ILeaseStore.Longest;
        return database.WriteAsync(Durability.Relaxed, session => session.Execute(Take, new { name, holder, now, until, farthest }) == 1, ct);
    }

    public Task ReleaseAsync(string name, string holder, CancellationToken ct) =>
        database.WriteAsync(Durability.Relaxed, session => session.Execute(Release, new { name, holder }), ct);
}
