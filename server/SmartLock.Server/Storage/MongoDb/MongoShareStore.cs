using MongoDB.Driver;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>Shares lie in their lock's document, so that a lock is read with those who may see it, and changed with them.</summary>
internal sealed class MongoShareStore(MongoDatabase database, MongoLocks locks, MongoAccountReads accounts) : IShareStore
{
    public async Task<ShareList> ListAsync(string deviceId, string username, DateTimeOffset now, CancellationToken ct)
    {
        var found = await locks.FindLockAsync(deviceId, ct);
        return found?.AccessOf(username, now) switch
        {
            null => new ShareList(NotOwner: false, null),
            LockAccess.Owner => new ShareList(
                NotOwner: false,
                [.. found.LastingShares(now).OrderBy(s => s.NameKey, StringComparer.Ordinal).Select(s => s.ToShare())]),
            _ => new ShareList(NotOwner: true, null),
        };
    }

    public Task<GrantResult> GrantAsync(LockChange change, Share share, int maxPerLock, CancellationToken ct)
    {
        var key = MongoNames.KeyOf(share.Username);
        return database.TransactAsync(
            [change.DeviceId, MongoTransaction.TurnOf(key)],
            async transaction =>
            {
                var found = await locks.FindLockAsync(transaction, change.DeviceId);
                var username = await accounts.FindEnabledAsync(transaction.Session, share.Username, transaction.Ct);
                var lasting = found?.LastingShares(change.Now).ToList() ?? [];
                var (result, logged) = ShareChangeRules.Grant(
                    change,
                    share,
                    found?.AccessOf(change.Actor, change.Now),
                    username,
                    lasting.Count,
                    lasting.Exists(s => s.NameKey == key),
                    maxPerLock);
                if (result.Share is { } granted)
                {
                    // A deletion of the account takes this share as well, or comes first.
                    await transaction.TouchAccountAsync(key);
                    IEnumerable<ShareDocument> shares = [.. lasting.Where(s => s.NameKey != key), ShareDocument.Of(granted)];
                    await locks.UpdateAsync(transaction, change.DeviceId, Builders<LockDocument>.Update.Set(l => l.Shares, [.. shares]));
                }

                if (logged is { } entry)
                {
                    await transaction.AppendAsync(entry, found!.OwnershipId);
                }

                return result;
            },
            ct);
    }

    public Task<RevokeShareOutcome> RevokeAsync(LockChange change, string username, CancellationToken ct)
    {
        var key = MongoNames.KeyOf(username);
        return database.TransactAsync(
            [change.DeviceId],
            async transaction =>
            {
                var found = await locks.FindLockAsync(transaction, change.DeviceId);
                var holder = found?.Shares?.FirstOrDefault(s => s.NameKey == key)?.Username;
                var decision = ShareChangeRules.Revoke(change, username, found?.AccessOf(change.Actor, change.Now), holder);
                if (decision.Outcome is RevokeShareOutcome.Revoked)
                {
                    await locks.UpdateAsync(transaction, change.DeviceId, MongoLocks.EndShareOf(key));
                }

                if (decision.Entry is { } entry)
                {
                    await transaction.AppendAsync(entry, found!.OwnershipId);
                }

                return decision.Outcome;
            },
            ct);
    }
}
