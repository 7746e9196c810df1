using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqlitePairingStore(SqliteDatabase database) : IPairingStore
{
    private const string SelectSecrets = "SELECT protected_key, code_hash FROM pairings WHERE device_id = @DeviceId";

    private const string SelectPage = "SELECT * FROM pairings WHERE device_id > @After ORDER BY device_id LIMIT @Limit";

    private const string Put = """
        INSERT OR REPLACE INTO pairings (device_id, protected_key, unsigned, code_hash, created_at, expires_at)
        VALUES (@DeviceId, @ProtectedKey, @Unsigned, @CodeHash, @CreatedAt, @ExpiresAt)
        """;

    private const string Delete = "DELETE FROM pairings WHERE device_id = @DeviceId";

    private const string CountWrongCode = "UPDATE pairings SET wrong_codes = wrong_codes + 1 WHERE device_id = @DeviceId";

    private const string CountWrongCodeOfOne = """
        INSERT INTO wrong_codes (device_id, name_key, count) SELECT @DeviceId, name_key, 1 FROM users WHERE name_key = @NameKey
        ON CONFLICT (device_id, name_key) DO UPDATE SET count = count + 1
        """;

    private const string SelectWrongCodesOfOne = "SELECT count FROM wrong_codes WHERE device_id = @DeviceId AND name_key = @NameKey";

    public Task<AddDeviceOutcome> AddAsync(NewPairing pairing, string actor, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                var decision = ClaimRules.Add(pairing, actor, session.IsTaken(pairing.DeviceId, pairing.CreatedAt));
                session.AppendIfAny(decision.Entry);
                if (decision.Outcome is AddDeviceOutcome.Added)
                {
                    session.Execute(Put, pairing);
                }

                return decision.Outcome;
            },
            ct);

    public Task<AddDeviceResult> AddOwnedAsync(NewLock newLock, int maxPerOwner, string actor, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => AddOwned(session, newLock, maxPerOwner, actor), ct);

    public Task<Page<Pairing>> ListAsync(string? afterDeviceId, int limit, CancellationToken ct) =>
        database.ReadAsync(
            session => LockCursor.Pairings.Page(
                session.Query<Pairing>(SelectPage, new { After = afterDeviceId ?? "", Limit = limit + 1L }), limit, static item => item.DeviceId),
            ct).AsTask();

    public Task<bool> RemoveAsync(LockChange change, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                if (session.Execute(Delete, change) == 0)
                {
                    return false;
                }

                session.Append(ClaimRules.Removed(change));
                return true;
            },
            ct);

    public Task<ClaimResult> ClaimAsync(LockChange change, string name, byte[] codeHash, int maxPerOwner, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => Claim(session, change, name, codeHash, maxPerOwner), ct);

    private static ClaimResult Claim(SqliteSession session, LockChange change, string name, byte[] codeHash, int maxPerOwner)
    {
        var attempt = new { change.DeviceId, NameKey = SqliteNames.KeyOf(change.Actor) };
        var waiting = session.FindPairing(change.DeviceId) is { } pairing
            ? session.Find<WaitingDevice>(SelectSecrets, change)! with { Pairing = pairing }
            : null;
        var decision = ClaimRules.Claim(
            change,
            name,
            codeHash,
            waiting,
            session.Scalar<long>(SelectWrongCodesOfOne, attempt),
            session.HasRoom(change.Actor, maxPerOwner));
        if (decision is { NewLock: { } newLock, Entry: { } first })
        {
            session.Insert(newLock, first);
            return new ClaimResult(decision.Outcome, session.FindLock(change.DeviceId));
        }

        if (decision.CountsAsWrong)
        {
            session.Execute(CountWrongCode, attempt);
            session.Execute(CountWrongCodeOfOne, attempt);
        }

        session.AppendIfAny(decision.Entry);
        return new ClaimResult(decision.Outcome);
    }

    private static AddDeviceResult AddOwned(SqliteSession session, NewLock newLock, int maxPerOwner, string actor)
    {
        var owner = session.FindEnabledUser(newLock.Owner);
        var decision = ClaimRules.AddOwned(
            newLock,
            actor,
            owner,
            owner is not null && session.HasRoom(owner, maxPerOwner),
            session.IsTaken(newLock.DeviceId, newLock.CreatedAt));
        if (decision.Entry is not { } first)
        {
            return new AddDeviceResult(decision.Outcome);
        }

        session.Insert(newLock with { Owner = owner! }, first);
        return new AddDeviceResult(decision.Outcome, session.FindLock(newLock.DeviceId));
    }
}
