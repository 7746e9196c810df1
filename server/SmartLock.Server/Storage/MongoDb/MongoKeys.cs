using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// Before anything else is looked at: no key is made beside data that were written under another, which could never be read, or verified, again.
/// </summary>
internal sealed class MongoKeys(MongoDatabase database, AuditKey audit) : IMongoSetup
{
    private static readonly FilterDefinitionBuilder<BsonDocument> Where = Builders<BsonDocument>.Filter;

    /// <summary>Where secrets lie that are encrypted with Data Protection, and in which member.</summary>
    private static readonly (string Collection, string Member)[] Protected =
        [(LockDocument.Collection, "key"), (PairingDocument.Collection, "key"), (WebhookDocument.Collection, "protected_secret"), (MongoNames.Users, "second_factor")];

    public async Task SetUpAsync(CancellationToken ct)
    {
        await CheckAsync(ct);
        var hasRing = await AnyAsync(MongoKeyRing.Collection, Where.Empty, ct);
        audit.Key.Provide(hasRing || await AnyAsync(LogHeadDocument.Collection, Where.Empty, ct) ? "a log and encrypted keys" : null);
    }

    public async Task CheckAsync(CancellationToken ct)
    {
        if (await AnyAsync(MongoKeyRing.Collection, MongoKeyRing.IsKey, ct))
        {
            return;
        }

        foreach (var (collection, member) in Protected)
        {
            if (await AnyAsync(collection, Where.Exists(member), ct))
            {
                throw new StartupException(
                    $"The Data Protection keys in the collection {MongoKeyRing.Collection} are missing, and {collection} holds secrets that were encrypted under "
                    + "them: restore that collection from a backup. No new key is made beside old data.");
            }
        }
    }

    private Task<bool> AnyAsync(string collection, FilterDefinition<BsonDocument> which, CancellationToken ct) =>
        database.Collection(collection).Find(which).Limit(1).AnyAsync(ct);
}
