using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>Shares lie in their lock's document, so that a lock is read with those who may see it, and changed with them.</summary>
internal sealed class MongoShareStore(MongoLocks locks, MongoAccountReads accounts, MongoLockChanges changes) : IShareStore
{
    private static readonly UpdateDefinitionBuilder<BsonDocument> Update = Builders<BsonDocument>.Update;

    public async Task<ShareList> ListAsync(string deviceId, string username, DateTimeOffset now, CancellationToken ct)
    {
        var found = await locks.FindLockAsync(deviceId, ct);
        return (found is null ? null : MongoAccess.Of(found, username, now)) switch
        {
            null => new ShareList(NotOwner: false, null),
            LockAccess.Owner => new ShareList(NotOwner: false, await ReadAllAsync(found!, now, ct)),
            _ => new ShareList(NotOwner: true, null),
        };
    }

    public async Task<GrantResult> GrantAsync(LockChange change, Share share, int maxPerLock, CancellationToken ct)
    {
        for (var tries = 0; tries < MongoLocks.MostTries; tries++)
        {
            var found = await locks.FindLockAsync(change.DeviceId, ct);
            switch (found is null ? null : MongoAccess.Of(found, change.Actor, change.Now))
            {
                case null:
                    return new GrantResult(GrantShareOutcome.LockNotFound);
                case not LockAccess.Owner:
                    await changes.AppendNotOwnerAsync(found!, change, AuditActions.ShareGranted, ct);
                    return new GrantResult(GrantShareOutcome.NotOwner);
            }

            if (await TryGrantAsync(found!, change, share, maxPerLock, ct) is { } result)
            {
                return result;
            }
        }

        throw MongoLockChanges.TooBusy();
    }

    public async Task<RevokeShareOutcome> RevokeAsync(LockChange change, string username, CancellationToken ct)
    {
        var key = MongoNames.KeyOf(username);
        var leaves = key == MongoNames.KeyOf(change.Actor);
        for (var tries = 0; tries < MongoLocks.MostTries; tries++)
        {
            var found = await locks.FindLockAsync(change.DeviceId, ct);
            var access = found is null ? null : MongoAccess.Of(found, change.Actor, change.Now);
            if (found is null || (access is null && !leaves))
            {
                return RevokeShareOutcome.LockNotFound;
            }

            if (access is not LockAccess.Owner && !leaves)
            {
                await changes.AppendNotOwnerAsync(found, change, AuditActions.ShareRevoked, ct);
                return RevokeShareOutcome.NotOwner;
            }

            if (MongoLockRow.SharesOf(found).FirstOrDefault(s => s[ShareFields.NameKey].AsString == key) is not { } share)
            {
                return access is null ? RevokeShareOutcome.LockNotFound : RevokeShareOutcome.ShareNotFound;
            }

            var update = Update.PullFilter<BsonDocument>(LockFields.Shares, Builders<BsonDocument>.Filter.Eq(ShareFields.NameKey, key));
            var result = leaves ? AuditResults.Left : AuditResults.Revoked;
            var target = share[ShareFields.Username].AsString;
            if (await changes.TryAsync(found, Plan(found, change, update, AuditActions.ShareRevoked, result, target), ct) is not null)
            {
                return RevokeShareOutcome.Revoked;
            }
        }

        throw MongoLockChanges.TooBusy();
    }

    private static PlannedChange Plan(
        BsonDocument found,
        LockChange change,
        UpdateDefinition<BsonDocument> update,
        string action,
        string result,
        string target) =>
        new(
            update,
            (new NewAuditEntry(change.Now, change.DeviceId, change.Actor, action, result, Target: target), found[LockFields.Tenure].AsString));

    /// <summary>Null when the lock is not as it was found any more.</summary>
    private async Task<GrantResult?> TryGrantAsync(BsonDocument found, LockChange change, Share share, int maxPerLock, CancellationToken ct)
    {
        if (await accounts.FindEnabledAsync(share.Username, ct) is not { } username)
        {
            return new GrantResult(GrantShareOutcome.UserNotFound);
        }

        if (MongoNames.KeyOf(username) == MongoNames.KeyOf(change.Actor))
        {
            return new GrantResult(GrantShareOutcome.Oneself);
        }

        var key = MongoNames.KeyOf(username);
        var lasting = MongoLockRow.SharesOf(found).Where(s => !MongoLockRow.HasEnded(s, change.Now)).ToList();
        var isThere = lasting.RemoveAll(s => s[ShareFields.NameKey].AsString == key) > 0;
        if (!isThere && lasting.Count >= maxPerLock)
        {
            return new GrantResult(GrantShareOutcome.TooManyShares);
        }

        var granted = share with { Username = username };
        var update = Update.Set(LockFields.Shares, new BsonArray(lasting.Append(MongoLockRow.ToBson(granted))));
        var result = share.Role is ShareRole.Operator ? AuditResults.GrantedOperator : AuditResults.GrantedViewer;
        if (await changes.TryAsync(found, Plan(found, change, update, AuditActions.ShareGranted, result, username), ct) is null)
        {
            return null;
        }

        // A deletion marks the account first and ends its shares then: if it did not find this one, it is found here.
        if (await accounts.IsGoneAsync(key, CancellationToken.None))
        {
            await locks.EndSharesOfAsync(key, CancellationToken.None);
            return new GrantResult(GrantShareOutcome.UserNotFound);
        }

        return new GrantResult(isThere ? GrantShareOutcome.Replaced : GrantShareOutcome.Granted, granted);
    }

    private async Task<IReadOnlyList<Share>> ReadAllAsync(BsonDocument found, DateTimeOffset now, CancellationToken ct)
    {
        var shares = MongoLockRow.SharesOf(found).Where(s => !MongoLockRow.HasEnded(s, now)).ToList();
        if (shares.Count == 0)
        {
            return [];
        }

        var present = await accounts.PresentAsync(shares.Select(s => s[ShareFields.NameKey].AsString), ct);
        return
        [
            .. shares.Where(s => present.Contains(s[ShareFields.NameKey].AsString))
                .OrderBy(s => s[ShareFields.NameKey].AsString, StringComparer.Ordinal)
                .Select(MongoLockRow.ReadShare),
        ];
    }
}
