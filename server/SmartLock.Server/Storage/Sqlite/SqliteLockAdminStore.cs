using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqliteLockAdminStore(SqliteDatabase database) : ILockAdminStore
{
    private const string SelectPage =
        "SELECT * FROM locks WHERE device_id > @After AND (@State IS NULL OR state = @State) ORDER BY device_id LIMIT @Limit";

    private const string SelectOwnersPage = """
        SELECT * FROM locks WHERE owner = (SELECT username FROM users WHERE name_key = @NameKey)
        AND device_id > @After AND (@State IS NULL OR state = @State) ORDER BY device_id LIMIT @Limit
        """;

    private const string SetOwner = "UPDATE locks SET owner = @Owner WHERE device_id = @DeviceId";

    private const string EndShares = "DELETE FROM shares WHERE device_id = @DeviceId";

    public Task<Page<Lock>> ListAsync(string? owner, LockState? state, string? afterDeviceId, int limit, CancellationToken ct)
    {
        var page = new
        {
            NameKey = owner is null ? null : SqliteNames.KeyOf(owner),
            After = afterDeviceId ?? "",
            State = state?.ToString(),
            Limit = limit + 1L,
        };
        return database.ReadAsync(
            session => LockCursor.Everybodys.Page(
                session.Query<Lock>(owner is null ? SelectPage : SelectOwnersPage, page), limit, static item => item.DeviceId),
            ct).AsTask();
    }

    public Task<ReassignResult> ReassignAsync(LockChange change, string owner, int maxPerOwner, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => Reassign(session, change, owner, maxPerOwner), ct);

    private static ReassignResult Reassign(SqliteSession session, LockChange change, string owner, int maxPerOwner)
    {
        var username = session.FindEnabledUser(owner);
        var hasRoom = username is not null && session.HasRoom(username, maxPerOwner);
        var (result, taken, given) = ReassignRules.Decide(change, session.FindLock(change.DeviceId), username, hasRoom);
        if (result.Lock is { } changed && taken is not null && given is not null)
        {
            session.Execute(SetOwner, changed);
            session.Execute(EndShares, changed);
            session.Append(taken);
            session.AppendFirst(given);
        }

        return result;
    }
}
