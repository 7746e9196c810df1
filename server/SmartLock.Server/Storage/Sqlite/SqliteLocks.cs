using SmartLock.Server.Audit;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>A row of locks.</summary>
internal sealed record SqliteLock : ReportedLock
{
    /// <summary>Of the lock's last command, Unix milliseconds; 0 before the first.</summary>
    public long LastIssuedAt { get; init; }

    /// <summary>Of the account that the row was read for.</summary>
    public LockAccess Access { get; init; }
}

/// <summary>What the stores that write locks share.</summary>
internal static class SqliteLocks
{
    private const string Select = "SELECT * FROM locks WHERE device_id = @deviceId";

    private const string Count = "SELECT count(*) FROM (SELECT 1 FROM locks WHERE owner = @owner LIMIT @maxPerOwner)";

    private const string IsRetired = "SELECT EXISTS (SELECT 1 FROM retired_accounts WHERE name_hash = @hash)";

    private const string SelectPairing = "SELECT * FROM pairings WHERE device_id = @deviceId";

    private const string InsertLock = $"""
        INSERT INTO locks (device_id, name, owner, status, state, issue, unsigned, created_at)
        VALUES (@DeviceId, @Name, @Owner, '{nameof(LockStatus.Unknown)}', '{nameof(LockState.Unavailable)}', @Issue, @Unsigned, @CreatedAt)
        """;

    private const string InsertKey = "INSERT INTO device_keys (device_id, protected_key) VALUES (@DeviceId, @ProtectedKey)";

    private const string EndPairing = "DELETE FROM pairings WHERE device_id = @DeviceId";

    private const string BeginLog = "UPDATE locks SET log_from = (SELECT max(id) FROM logs) WHERE device_id = @DeviceId";

    private const string BeginKeyAtLastEntry = "UPDATE locks SET key_from = (SELECT max(id) FROM logs) WHERE device_id = @deviceId";

    /// <summary>Whoever owns it.</summary>
    public static Lock? FindLock(this SqliteSession session, string deviceId) => session.Find<Lock>(Select, new { deviceId });

    /// <inheritdoc cref="LockChangeRules.HasRoom"/>
    public static bool HasRoom(this SqliteSession session, string owner, int maxPerOwner) => LockChangeRules.HasRoom(
        session.Scalar<bool>(IsRetired, new { hash = session.Chain.NameHashOf(SqliteNames.KeyOf(owner)) }),
        session.Scalar<long>(Count, new { owner, maxPerOwner }),
        maxPerOwner);

    /// <summary>A lock has the device id, or a device that can still be claimed.</summary>
    public static bool IsTaken(this SqliteSession session, string deviceId, DateTimeOffset now) =>
        session.FindLock(deviceId) is not null || (session.FindPairing(deviceId) is { } waiting && PairingRules.IsOpen(waiting, now));

    public static Pairing? FindPairing(this SqliteSession session, string deviceId) => session.Find<Pairing>(SelectPairing, new { deviceId });

    /// <summary>A pairing of the device ends.</summary>
    public static void Insert(this SqliteSession session, NewLock newLock, NewAuditEntry entry)
    {
        session.Execute(InsertLock, newLock.ToLock());
        session.Execute(InsertKey, newLock);
        session.Execute(EndPairing, newLock);
        session.AppendFirst(entry);
        session.BeginKey(newLock.DeviceId);
    }

    /// <summary>What the device said under an earlier key counts no more. The entry that was appended last tells of the new one.</summary>
    public static void BeginKey(this SqliteSession session, string deviceId) => session.Execute(BeginKeyAtLastEntry, new { deviceId });

    /// <summary>Appends the entry that a lock's log begins with for its present owner.</summary>
    public static void AppendFirst(this SqliteSession session, NewAuditEntry entry)
    {
        session.Append(entry);
        session.Execute(BeginLog, entry);
    }
}
