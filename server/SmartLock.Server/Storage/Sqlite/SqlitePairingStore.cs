using System.Security.Cryptography;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.Sqlite;

internal sealed class SqlitePairingStore(SqliteDatabase database) : IPairingStore
{
    private const string Columns = "device_id, unsigned, created_at, expires_at, wrong_codes";

    private const string Select = $"SELECT {Columns}, protected_key, code_hash FROM pairings WHERE device_id = ?1";

    private const string SelectPage = $"SELECT {Columns} FROM pairings WHERE device_id > ?1 ORDER BY device_id LIMIT ?2";

    private const string Put = """
        INSERT OR REPLACE INTO pairings (device_id, protected_key, unsigned, code_hash, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        """;

    private const string Delete = "DELETE FROM pairings WHERE device_id = ?1";

    private const string CountWrongCode = "UPDATE pairings SET wrong_codes = wrong_codes + 1 WHERE device_id = ?1";

    private const string CountWrongCodeOfOne = """
        INSERT INTO wrong_codes (device_id, name_key, count) SELECT ?1, name_key, 1 FROM users WHERE name_key = ?2
        ON CONFLICT (device_id, name_key) DO UPDATE SET count = count + 1
        """;

    private const string SelectWrongCodesOfOne = "SELECT count FROM wrong_codes WHERE device_id = ?1 AND name_key = ?2";

    // Compared with when nothing waits, so that the answer takes the same steps.
    private static readonly byte[] NobodysHash = RandomNumberGenerator.GetBytes(SHA256.HashSizeInBytes);

    /// <summary>True while the device can be claimed.</summary>
    public static bool IsWaiting(SqliteSession session, string deviceId, DateTimeOffset now) =>
        Find(session, deviceId) is { } found && PairingRules.IsOpen(found.Pairing, now);

    public Task<AddDeviceOutcome> AddAsync(NewPairing pairing, string actor, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                if (session.FindLock(pairing.DeviceId) is not null || IsWaiting(session, pairing.DeviceId, pairing.CreatedAt))
                {
                    return AddDeviceOutcome.DeviceIdTaken;
                }

                Write(session, pairing);
                session.Append(new NewAuditEntry(pairing.CreatedAt, pairing.DeviceId, actor, AuditActions.DeviceAdded, AuditResults.Added));
                return AddDeviceOutcome.Added;
            },
            ct);

    public Task<AddDeviceResult> AddOwnedAsync(NewLock newLock, int maxPerOwner, string actor, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => AddOwned(session, newLock, maxPerOwner, actor), ct);

    public Task<Page<Pairing>> ListAsync(string? afterDeviceId, int limit, CancellationToken ct) =>
        database.ReadAsync(
            session =>
            {
                using var query = session.Use(SelectPage);
                query.Bind(1, afterDeviceId ?? "").Bind(2, limit + 1L);
                var found = new List<Pairing>();
                while (query.Step())
                {
                    found.Add(Read(query));
                }

                return LockCursor.Pairings.Page(found, limit, static item => item.DeviceId);
            },
            ct).AsTask();

    public Task<bool> RemoveAsync(LockChange change, CancellationToken ct) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                using var delete = session.Use(Delete);
                if (delete.Bind(1, change.DeviceId).Run() == 0)
                {
                    return false;
                }

                session.Append(new NewAuditEntry(change.Now, change.DeviceId, change.Actor, AuditActions.DeviceRemoved, AuditResults.Removed));
                return true;
            },
            ct);

    public Task<ClaimResult> ClaimAsync(LockChange change, string name, byte[] codeHash, int maxPerOwner, CancellationToken ct) =>
        database.WriteAsync(Durability.Full, session => Claim(session, change, name, codeHash, maxPerOwner), ct);

    private static ClaimResult Claim(SqliteSession session, LockChange change, string name, byte[] codeHash, int maxPerOwner)
    {
        var found = Find(session, change.DeviceId);
        var matches = CryptographicOperations.FixedTimeEquals(codeHash, found?.CodeHash ?? NobodysHash);
        if (found is null || !PairingRules.IsOpen(found.Pairing, change.Now))
        {
            return Refuse(session, change, AuditResults.NotPending);
        }

        if (WrongCodesOf(session, change) >= PairingRules.MaxWrongCodesOfOne)
        {
            return Refuse(session, change, AuditResults.TooManyWrongCodes);
        }

        if (!matches)
        {
            CountWrong(session, change);
            return Refuse(session, change, AuditResults.WrongCode);
        }

        if (!session.HasRoom(change.Actor, maxPerOwner))
        {
            return new ClaimResult(ClaimOutcome.TooManyLocks);
        }

        var newLock = new NewLock(change.DeviceId, name, change.Actor, found.ProtectedKey, found.Pairing.Unsigned, change.Now);
        var entry = new NewAuditEntry(change.Now, change.DeviceId, change.Actor, AuditActions.LockClaimed, AuditResults.Claimed);
        return session.TryInsert(newLock, entry)
            ? new ClaimResult(ClaimOutcome.Claimed, session.FindLock(change.DeviceId))
            : throw new InvalidOperationException($"{change.DeviceId} waits to be claimed and is a lock already.");
    }

    private static long WrongCodesOf(SqliteSession session, LockChange change)
    {
        using var query = session.Use(SelectWrongCodesOfOne);
        return query.Bind(1, change.DeviceId).Bind(2, SqliteNames.KeyOf(change.Actor)).Step() ? query.Int64(0) : 0;
    }

    private static void CountWrong(SqliteSession session, LockChange change)
    {
        using var count = session.Use(CountWrongCode);
        count.Bind(1, change.DeviceId).Run();
        using var countOfOne = session.Use(CountWrongCodeOfOne);
        countOfOne.Bind(1, change.DeviceId).Bind(2, SqliteNames.KeyOf(change.Actor)).Run();
    }

    private static ClaimResult Refuse(SqliteSession session, LockChange change, string result)
    {
        session.Append(new NewAuditEntry(change.Now, change.DeviceId, change.Actor, AuditActions.LockClaimed, result));
        return new ClaimResult(ClaimOutcome.Refused);
    }

    private static AddDeviceResult AddOwned(SqliteSession session, NewLock newLock, int maxPerOwner, string actor)
    {
        if (session.FindEnabledUser(newLock.Owner) is not { } owner)
        {
            return new AddDeviceResult(AddDeviceOutcome.UserNotFound);
        }

        if (!session.HasRoom(owner, maxPerOwner))
        {
            return new AddDeviceResult(AddDeviceOutcome.TooManyLocks);
        }

        var entry = new NewAuditEntry(
            newLock.CreatedAt,
            newLock.DeviceId,
            actor,
            AuditActions.LockRegistered,
            AuditResults.Registered,
            Target: owner);
        if (IsWaiting(session, newLock.DeviceId, newLock.CreatedAt) || !session.TryInsert(newLock with { Owner = owner }, entry))
        {
            return new AddDeviceResult(AddDeviceOutcome.DeviceIdTaken);
        }

        return new AddDeviceResult(AddDeviceOutcome.Added, session.FindLock(newLock.DeviceId));
    }

    private static void Write(SqliteSession session, NewPairing pairing)
    {
        using var put = session.Use(Put);
        put.Bind(1, pairing.DeviceId)
            .Bind(2, pairing.ProtectedKey)
            .Bind(3, pairing.Unsigned)
            .Bind(4, pairing.CodeHash)
            .Bind(5, pairing.CreatedAt)
            .Bind(6, pairing.ExpiresAt)
            .Run();
    }

    private static Found? Find(SqliteSession session, string deviceId)
    {
        using var query = session.Use(Select);
        return query.Bind(1, deviceId).Step() ? new Found(Read(query), query.Blob(5), query.Blob(6)) : null;
    }

    private static Pairing Read(SqliteStatement row) => new(row.Text(0), row.Bool(1), row.Time(2), row.Time(3), (int)row.Int64(4));

    private sealed record Found(Pairing Pairing, byte[] ProtectedKey, byte[] CodeHash);
}
