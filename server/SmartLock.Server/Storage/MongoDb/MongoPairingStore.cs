using System.Security.Cryptography;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>A device that waits stands where its lock will stand: one document, so that nobody has to choose between the two.</summary>
internal sealed class MongoPairingStore(
    MongoDatabase database,
    MongoLocks locks,
    MongoRegistrations registrations,
    MongoAccountReads accounts,
    MongoLockChanges changes,
    MongoLog log) : IPairingStore
{
    /// <summary>Counts wrong claims of what does not wait: they cost a write as well, and nobody can tell them from the others by that.</summary>
    private const string Nobody = "@nobody";

    private static readonly FilterDefinitionBuilder<BsonDocument> Filter = Builders<BsonDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<BsonDocument> Update = Builders<BsonDocument>.Update;

    // Compared with when nothing waits, so that the answer takes the same steps.
    private static readonly byte[] NobodysHash = RandomNumberGenerator.GetBytes(SHA256.HashSizeInBytes);

    public async Task<AddDeviceOutcome> AddAsync(NewPairing pairing, string actor, CancellationToken ct)
    {
        var entry = new NewAuditEntry(pairing.CreatedAt, pairing.DeviceId, actor, AuditActions.DeviceAdded, AuditResults.Added);
        var waiting = MongoPairing.ToBson(pairing);
        for (var tries = 0; tries < MongoLocks.MostTries; tries++)
        {
            var found = await locks.FindAnyAsync(pairing.DeviceId, ct);
            if (found is not null && MongoRegistrations.IsTaken(found, pairing.CreatedAt))
            {
                return AddDeviceOutcome.DeviceIdTaken;
            }

            if (await TryAddAsync(found, pairing.DeviceId, waiting, entry, ct))
            {
                return AddDeviceOutcome.Added;
            }
        }

        throw MongoLockChanges.TooBusy();
    }

    public async Task<AddDeviceResult> AddOwnedAsync(NewLock newLock, int maxPerOwner, string actor, CancellationToken ct)
    {
        if (await accounts.FindEnabledAsync(newLock.Owner, ct) is not { } owner)
        {
            return new AddDeviceResult(AddDeviceOutcome.UserNotFound);
        }

        var entry = new NewAuditEntry(
            newLock.CreatedAt,
            newLock.DeviceId,
            actor,
            AuditActions.LockRegistered,
            AuditResults.Registered,
            Target: owner);
        var (outcome, added) = await registrations.RegisterAsync(newLock with { Owner = owner }, maxPerOwner, entry, ct);
        return outcome switch
        {
            RegisterLockOutcome.Registered => new AddDeviceResult(AddDeviceOutcome.Added, MongoLockRow.Read(added!)),
            RegisterLockOutcome.DeviceIdTaken => new AddDeviceResult(AddDeviceOutcome.DeviceIdTaken),
            RegisterLockOutcome.TooManyLocks => new AddDeviceResult(AddDeviceOutcome.TooManyLocks),
        };
    }

    public Task<Page<Pairing>> ListAsync(string? afterDeviceId, int limit, CancellationToken ct)
    {
        var deviceId = MongoPairing.Field(PairingFields.DeviceId);
        return database.ReadAsync(
            async token =>
            {
                var found = await locks.Documents.Find(Filter.Gt(deviceId, afterDeviceId ?? "") & Filter.Exists(LockFields.Pairing))
                    .Sort(Builders<BsonDocument>.Sort.Ascending(deviceId))
                    .Limit(limit + 1)
                    .ToListAsync(token);
                return LockCursor.Pairings.Page(found.ConvertAll(row => MongoPairing.Of(row)!), limit, static item => item.DeviceId);
            },
            ct);
    }

    public async Task<bool> RemoveAsync(LockChange change, CancellationToken ct)
    {
        var entry = new NewAuditEntry(change.Now, change.DeviceId, change.Actor, AuditActions.DeviceRemoved, AuditResults.Removed);

        // A claim that is just being made loses its reservation, and with it the device.
        var update = MongoLocks.EndReservation(change.Now).Unset(LockFields.Pairing);
        var removed = await changes.TryAsync(
            new BsonDocument(LockFields.Id, change.DeviceId),
            Filter.Eq(LockFields.Deleted, true) & Filter.Exists(LockFields.Pairing),
            new PlannedChange(update, (entry, null)),
            ct);
        if (removed is not null)
        {
            await locks.TryTidyAsync(change.DeviceId);
        }

        return removed is not null;
    }

    public async Task<ClaimResult> ClaimAsync(LockChange change, string name, byte[] codeHash, int maxPerOwner, CancellationToken ct)
    {
        for (var tries = 0; tries < MongoLocks.MostTries; tries++)
        {
            var found = await locks.FindAnyAsync(change.DeviceId, ct);
            if (Judge(found, change, codeHash) is { } refusal)
            {
                return await RefuseAsync(change, refusal, ct);
            }

            if (await registrations.FindRoomAsync(change.Actor, maxPerOwner, tries, ct) is not { } room)
            {
                return new ClaimResult(ClaimOutcome.TooManyLocks);
            }

            var guard = MongoPairing.MayTry(change)
                & Filter.Eq(MongoPairing.Field(PairingFields.CodeHash), codeHash)
                & MongoRegistrations.IsNotReserved(change.Now);
            if (await registrations.TryReserveAsync(found!, guard, room, change.Now, ct) is { } reserved)
            {
                return await UseAsync(reserved, room, change, name, ct);
            }
        }

        throw MongoLockChanges.TooBusy();
    }

    /// <summary>Why the claim is refused, or null when the code is right.</summary>
    private static string? Judge(BsonDocument? found, LockChange change, byte[] codeHash)
    {
        var pairing = found is null ? null : MongoPairing.Of(found);
        var expected = pairing is null ? NobodysHash : found![LockFields.Pairing][PairingFields.CodeHash].AsByteArray;
        var matches = CryptographicOperations.FixedTimeEquals(codeHash, expected);
        if (pairing is null || !PairingRules.IsOpen(pairing, change.Now) || MongoRegistrations.IsReserved(found!, change.Now))
        {
            return AuditResults.NotPending;
        }

        if (MongoPairing.WrongCodesOf(found!, change.Actor) >= PairingRules.MaxWrongCodesOfOne)
        {
            return AuditResults.TooManyWrongCodes;
        }

        return matches ? null : AuditResults.WrongCode;
    }

    private async Task<ClaimResult> UseAsync(BsonDocument reserved, Reservation room, LockChange change, string name, CancellationToken ct)
    {
        var pairing = reserved[LockFields.Pairing].AsBsonDocument;
        var newLock = new NewLock(
            change.DeviceId,
            name,
            change.Actor,
            pairing[PairingFields.Key].AsByteArray,
            pairing[PairingFields.Unsigned].AsBoolean,
            change.Now);
        var entry = new NewAuditEntry(change.Now, change.DeviceId, change.Actor, AuditActions.LockClaimed, AuditResults.Claimed);
        var (outcome, claimed) = await registrations.UseAsync(reserved, room, newLock, entry, ct);
        return outcome switch
        {
            RegisterLockOutcome.Registered => new ClaimResult(ClaimOutcome.Claimed, MongoLockRow.Read(claimed!)),
            RegisterLockOutcome.TooManyLocks => new ClaimResult(ClaimOutcome.TooManyLocks),
            RegisterLockOutcome.DeviceIdTaken => await RefuseAsync(change, AuditResults.NotPending, ct),
        };
    }

    /// <summary>
    /// The entry comes first: a process killed between the two has told of an attempt that was not counted, and not counted one that nobody
    /// is told of.
    /// </summary>
    private async Task<ClaimResult> RefuseAsync(LockChange change, string result, CancellationToken ct)
    {
        var entry = new NewAuditEntry(change.Now, change.DeviceId, change.Actor, AuditActions.LockClaimed, result);
        await log.AppendAsync([await log.PrepareAsync(entry, null, ct)], ct);
        var wrong = MongoPairing.Field(PairingFields.WrongCodes);
        var counted = result == AuditResults.WrongCode
            && await TryCountAsync(MongoPairing.MayTry(change), Update.Inc(wrong, 1).Inc(MongoPairing.WrongBy(change.Actor), 1), isUpsert: false, ct);
        if (!counted)
        {
            await TryCountAsync(Filter.Eq(LockFields.Id, Nobody), Update.Inc("count", 1L).Set(LockFields.Deleted, true), isUpsert: true, ct);
        }

        return new ClaimResult(ClaimOutcome.Refused);
    }

    private Task<bool> TryCountAsync(FilterDefinition<BsonDocument> which, UpdateDefinition<BsonDocument> update, bool isUpsert, CancellationToken ct) =>
        database.ReadAsync(
            async token =>
            {
                try
                {
                    return (await locks.Documents.UpdateOneAsync(which, update, new UpdateOptions { IsUpsert = isUpsert }, token)).MatchedCount > 0;
                }
                catch (Exception e) when (isUpsert && MongoErrors.IsDuplicateKey(e))
                {
                    // Another has made the document in the same moment.
                    return false;
                }
            },
            ct);

    private async Task<bool> TryAddAsync(BsonDocument? found, string deviceId, BsonDocument waiting, NewAuditEntry entry, CancellationToken ct)
    {
        if (found is not null)
        {
            var update = MongoLocks.EndReservation(entry.Time).Set(LockFields.Pairing, waiting);
            var guard = Filter.Eq(LockFields.Deleted, true) & Filter.Eq(LockFields.Rev, found[LockFields.Rev]);
            return await changes.TryAsync(found, guard, new PlannedChange(update, (entry, null)), ct) is not null;
        }

        var prepared = await log.PrepareAsync(entry, null, ct);
        var document = new BsonDocument
        {
            { LockFields.Id, deviceId },
            { LockFields.Deleted, true },
            { LockFields.Pairing, waiting },
            { LockFields.Rev, 1L },
            { OutboxEntry.Field, new BsonArray { prepared.ToBson() } },
        };
        if (await locks.TryInsertAsync(document, ct) is null)
        {
            return false;
        }

        await log.TryDrainAsync(locks.Documents, [deviceId], CancellationToken.None);
        return true;
    }
}
