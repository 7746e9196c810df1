using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// How a device id becomes somebody's lock: its document is reserved with a slot of the owner's, the owner is looked at once more, and the
/// reservation becomes the lock. Nobody sees a reservation; one that a killed process left blocks nothing for longer than <see cref="Holds"/>.
/// An account that is deleted meanwhile either finds the reservation, or is found to be gone.
/// </summary>
internal sealed class MongoRegistrations(MongoDatabase database, MongoLocks locks, MongoAccountReads accounts, MongoLockChanges changes, LogIds ids)
{
    private static readonly TimeSpan Holds = TimeSpan.FromMinutes(1);

    private static readonly FilterDefinitionBuilder<BsonDocument> Filter = Builders<BsonDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<BsonDocument> Update = Builders<BsonDocument>.Update;

    /// <summary>True while a document that is no lock keeps its device id from others.</summary>
    public static bool IsTaken(BsonDocument found, DateTimeOffset now) =>
        !found.IsTrue(LockFields.Deleted) || IsReserved(found, now) || (MongoPairing.Of(found) is { } pairing && PairingRules.IsOpen(pairing, now));

    public static bool IsReserved(BsonDocument found, DateTimeOffset now) =>
        found.Contains(LockFields.Slot) && found.TimeOrNull(LockFields.TidyAt) > now;

    /// <summary>What <see cref="IsReserved"/> says, as a guard.</summary>
    public static FilterDefinition<BsonDocument> IsNotReserved(DateTimeOffset now) =>
        Filter.Exists(LockFields.Slot, false) | Filter.Lte(LockFields.TidyAt, now.ToUnixTimeMilliseconds());

    /// <summary>For the owner of a new lock; null when it has as many as one may have, or is gone.</summary>
    public async Task<Reservation?> FindRoomAsync(string owner, int maxPerOwner, int tries, CancellationToken ct)
    {
        var ownerKey = MongoNames.KeyOf(owner);
        if (await accounts.IsGoneAsync(ownerKey, ct))
        {
            return null;
        }

        var slot = await database.ReadAsync(
            token => MongoSlots.FindFreeAsync(locks.Documents, Filter.Eq(LockFields.OwnerKey, ownerKey), maxPerOwner, tries, token),
            ct);
        return slot is { } free ? new Reservation(ownerKey, free, locks.NewTenure()) : null;
    }

    /// <summary>The lock is set when registered.</summary>
    public async Task<(RegisterLockOutcome Outcome, BsonDocument? Lock)> RegisterAsync(
        NewLock newLock,
        int maxPerOwner,
        NewAuditEntry entry,
        CancellationToken ct)
    {
        for (var tries = 0; tries < MongoLocks.MostTries; tries++)
        {
            if (await FindRoomAsync(newLock.Owner, maxPerOwner, tries, ct) is not { } room)
            {
                return (RegisterLockOutcome.TooManyLocks, null);
            }

            var found = await locks.FindAnyAsync(newLock.DeviceId, ct);
            if (found is not null && IsTaken(found, newLock.CreatedAt))
            {
                return (RegisterLockOutcome.DeviceIdTaken, null);
            }

            var reserved = found is null
                ? await TryInsertAsync(newLock.DeviceId, room, newLock.CreatedAt, ct)
                : await TryReserveAsync(found, Filter.Eq(LockFields.Rev, found[LockFields.Rev]), room, newLock.CreatedAt, ct);
            if (reserved is not null)
            {
                return await UseAsync(reserved, room, newLock, entry, ct);
            }
        }

        throw MongoLockChanges.TooBusy();
    }

    /// <summary>Reserves a document that is no lock, if it is still as the guard says.</summary>
    public Task<BsonDocument?> TryReserveAsync(
        BsonDocument found,
        FilterDefinition<BsonDocument> guard,
        Reservation room,
        DateTimeOffset now,
        CancellationToken ct) =>
        locks.TryUpdateAsync(
            Filter.Eq(LockFields.Id, found[LockFields.Id]) & Filter.Eq(LockFields.Deleted, true) & guard,
            Update.Set(LockFields.OwnerKey, room.OwnerKey)
                .Set(LockFields.Slot, room.Slot)
                .Set(LockFields.Tenure, room.Tenure)
                .Set(LockFields.TidyAt, (now + Holds).ToUnixTimeMilliseconds()),
            ct);

    /// <summary>Makes a reservation the lock that it was made for.</summary>
    public async Task<(RegisterLockOutcome Outcome, BsonDocument? Lock)> UseAsync(
        BsonDocument reserved,
        Reservation room,
        NewLock newLock,
        NewAuditEntry entry,
        CancellationToken ct)
    {
        var isOurs = Filter.Eq(LockFields.Deleted, true) & Filter.Eq(LockFields.Tenure, room.Tenure) & Filter.Exists(LockFields.Slot);
        if (await accounts.IsGoneAsync(room.OwnerKey, ct))
        {
            await locks.TryUpdateAsync(Filter.Eq(LockFields.Id, newLock.DeviceId) & isOurs, MongoLocks.EndReservation(newLock.CreatedAt), ct);
            return (RegisterLockOutcome.TooManyLocks, null);
        }

        var keyFrom = ids.Next(reserved.Int64OrNull(LockFields.LastKeyFrom) ?? 0);
        var update = Update.Combine(
            [
                .. Fields(newLock, keyFrom).Select(field => Update.Set(field.Name, field.Value)),
                Update.Unset(LockFields.Deleted),
                Update.Unset(LockFields.Pairing),
                Update.Unset(LockFields.LastKeyFrom),

                // What a lock before has left is still to be tidied up.
                .. reserved.Contains(LockFields.Ended) ? [] : new[] { Update.Unset(LockFields.TidyAt) },
            ]);
        var registered = await changes.TryAsync(reserved, isOurs, new PlannedChange(update, (entry, room.Tenure)), ct);
        return registered is null ? (RegisterLockOutcome.DeviceIdTaken, null) : (RegisterLockOutcome.Registered, registered);
    }

    private static BsonDocument Fields(NewLock newLock, long keyFrom) => new()
    {
        { LockFields.Name, newLock.Name },
        { LockFields.Owner, newLock.Owner },
        { LockFields.Status, nameof(LockStatus.Unknown) },
        { LockFields.State, nameof(LockState.Unavailable) },
        { LockFields.Issue, LockIssues.NoHeartbeat },
        { LockFields.CreatedAt, newLock.CreatedAt.ToUnixTimeMilliseconds() },
        { LockFields.Unsigned, newLock.Unsigned },
        { LockFields.Key, newLock.ProtectedKey },
        { LockFields.KeyFrom, keyFrom },
        { LockFields.SentAt, 0L },
        { LockFields.ConnectedAt, 0L },
        { LockFields.OwnTopics, false },
        { LockFields.LastIssuedAt, 0L },
        { LockFields.OwnedSince, newLock.CreatedAt.ToUnixTimeMilliseconds() },
    };

    /// <summary>Null when the device id is another's by now, or the slot is.</summary>
    private Task<BsonDocument?> TryInsertAsync(string deviceId, Reservation room, DateTimeOffset now, CancellationToken ct)
    {
        var document = new BsonDocument
        {
            { LockFields.Id, deviceId },
            { LockFields.Deleted, true },
            { LockFields.OwnerKey, room.OwnerKey },
            { LockFields.Slot, room.Slot },
            { LockFields.Tenure, room.Tenure },
            { LockFields.TidyAt, (now + Holds).ToUnixTimeMilliseconds() },
            { LockFields.Rev, 1L },
        };
        return locks.TryInsertAsync(document, ct);
    }
}

/// <param name="Slot">See <see cref="LockFields.Slot"/>.</param>
/// <param name="Tenure">Also tells the reservation from all others of its document.</param>
internal sealed record Reservation(string OwnerKey, int Slot, string Tenure);
