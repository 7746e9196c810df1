namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// The documents of <c>locks</c>, which several stores write. <c>_id</c> is the device id. Times are Unix milliseconds. Where a member is
/// nullable it may as well be absent.
/// </summary>
internal static class LockFields
{
    public const string Collection = "locks";

    /// <summary>The device id.</summary>
    public const string Id = "_id";

    public const string Name = "name";
    public const string Owner = "owner";

    /// <summary><see cref="MongoNames.KeyOf"/> of the owner; while <see cref="Deleted"/>, of the one for whom the device id is reserved.</summary>
    public const string OwnerKey = "owner_key";

    /// <summary>Unique with the owner's key, and below the most locks that one may have.</summary>
    public const string Slot = "slot";

    /// <summary>Name of a <see cref="Locks.LockStatus"/>.</summary>
    public const string Status = "status";

    /// <summary>Name of a <see cref="Locks.LockState"/>.</summary>
    public const string State = "state";

    public const string LastSeen = "last_seen";
    public const string Issue = "issue";
    public const string CreatedAt = "created_at";
    public const string Unsigned = "unsigned";

    /// <summary>The protected bytes of the device's key.</summary>
    public const string Key = "key";

    /// <summary>A number that no other key of this device id had, greater than those before it: <see cref="LogIds"/> gives it.</summary>
    public const string KeyFrom = "key_from";

    /// <summary>0 before the first report, as <see cref="ConnectedAt"/> and <see cref="LastIssuedAt"/> are.</summary>
    public const string SentAt = "sent_at";

    public const string ConnectedAt = "connected_at";
    public const string LastIssuedAt = "last_issued_at";

    /// <summary>When its connection was last found lost.</summary>
    public const string LostAt = "lost_at";
    public const string OwnTopics = "own_topics";
    public const string Firmware = "firmware";
    public const string Rssi = "rssi";
    public const string BatteryMv = "battery_mv";
    public const string UptimeS = "uptime_s";

    /// <summary>Made anew when the lock is registered, claimed or reassigned: an owner reads the log and the commands of it only.</summary>
    public const string Tenure = "tenure";

    /// <summary>When the tenure began: the time of the log entry that tells so.</summary>
    public const string OwnedSince = "owned_since";

    /// <summary>Grows with every change of who may see or do what; writes that rest on it are guarded by it.</summary>
    public const string Rev = "rev";

    /// <summary>Array of documents: <c>username, name_key, role, from, until, created_at</c>.</summary>
    public const string Shares = "shares";

    /// <summary>Id of the bulk write that changed it last, where that write must know which documents it changed.</summary>
    public const string Batch = "batch";

    /// <summary>
    /// True in what is no lock, and every read passes over: one that is on its way out, waits for its owner, or is about to be registered.
    /// </summary>
    public const string Deleted = "deleted";

    /// <summary>Tenures since the lock was registered, the present one left out.</summary>
    public const string Earlier = "earlier";

    /// <summary>A document of <see cref="PairingFields"/>: the device waits for its owner.</summary>
    public const string Pairing = "pairing";

    /// <summary>Who an administrator is just giving the lock to: <c>{id, name_key}</c>.</summary>
    public const string Heir = "heir";

    /// <summary>Tenures of a lock that was removed, whose commands are still to go.</summary>
    public const string Ended = "ended";

    /// <summary>From when on <see cref="MongoLocks.FinishAsync"/> looks at it; a reservation holds until then.</summary>
    public const string TidyAt = "tidy_at";

    /// <summary>Of a lock that was removed: its <see cref="KeyFrom"/>.</summary>
    public const string LastKeyFrom = "last_key_from";
}
