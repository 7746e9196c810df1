using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb.Migrations;

/// <summary>
/// Binds the accounts of a database that was written before ids were bound to names, and puts hashes under the audit key in place of those of names. All in
/// one transaction with the schema's number, so that it is done once: who makes a database look older than it is would have its accounts bound as they
/// are now.
/// </summary>
/// <param name="number">Of this migration.</param>
internal sealed class BindingMigration(MongoDatabase database, AuditChain chain, int number)
{
    private static readonly FilterDefinitionBuilder<BsonDocument> Where = Builders<BsonDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<BsonDocument> Change = Builders<BsonDocument>.Update;

    private readonly IMongoCollection<BsonDocument> _users = database.Collection(MongoNames.Users);
    private readonly IMongoCollection<BsonDocument> _schema = database.Collection(MongoMigrations.Collection);
    private readonly IMongoCollection<BsonDocument> _pairings = database.Collection(PairingDocument.Collection);
    private readonly IMongoCollection<LogHeadDocument> _heads = database.Collection<LogHeadDocument>(LogHeadDocument.Collection);

    /// <exception cref="StartupException">The accounts were bound before, and the database was made to look as if they were not.</exception>
    public async Task RunAsync(CancellationToken ct)
    {
        await MakeCollectionsAsync(ct);
        await database.Transactions.RunAsync([AuditSubjects.Accounts], BindAsync, ct);

        // One per account, named by a hash of its name; they only have to be written, and are made again as they are needed.
        await database.Collection(AccountGuardDocument.Collection).DeleteManyAsync(Where.Empty, ct);
    }

    private async Task<bool> BindAsync(MongoTransaction transaction)
    {
        var session = transaction.Session;
        var stored = await _schema.Find(session, MongoMigrations.TheOne).FirstOrDefaultAsync(transaction.Ct);
        if (stored?[MongoMigrations.Number].ToInt32() >= number)
        {
            // Another server that started at the same time was first.
            return false;
        }

        await ResealAsync(transaction);
        var users = await _users.Find(session, Where.Empty).ToListAsync(transaction.Ct);
        if (users.Count > 0)
        {
            await _users.BulkWriteAsync(session, users.Select(ToWrite), MongoBulk.InAnyOrder, transaction.Ct);
            await HashActorsAsync(transaction);

            // The system's time: the store is opened before anything asks what time it is.
            await transaction.AppendAsync(
                new NewAuditEntry(TimeProvider.System.GetUtcNow(), AuditSubjects.Accounts, AuditActors.System, AuditActions.AccountsBound, AuditResults.AccountDone), null);
        }

        await _schema.UpdateOneAsync(
            session, MongoMigrations.TheOne, Change.Max(MongoMigrations.Number, number), new UpdateOptions { IsUpsert = true }, transaction.Ct);
        return true;
    }

    private async Task ResealAsync(MongoTransaction transaction)
    {
        var isThis = Builders<LogHeadDocument>.Filter.Eq(h => h.DeviceId, AuditSubjects.Accounts);
        if (await _heads.Find(transaction.Session, isThis).FirstOrDefaultAsync(transaction.Ct) is not { } head)
        {
            return;
        }

        if (chain.IsSealed(AuditSubjects.Accounts, head.ToHead()))
        {
            throw new StartupException(
                $"The database {database.Raw.DatabaseNamespace.DatabaseName} was changed to look like one of an older version, whose accounts are not bound to "
                + "their names: restore a backup.");
        }

        if (chain.IsSealedAsBefore(AuditSubjects.Accounts, head.ToHead()))
        {
            var seal = chain.SealOf(AuditSubjects.Accounts, head.Sequence, head.Hash);
            await _heads.UpdateOneAsync(
                transaction.Session, isThis, Builders<LogHeadDocument>.Update.Set(h => h.Seal, seal), null, transaction.Ct);
        }
    }

    private WriteModel<BsonDocument> ToWrite(BsonDocument user)
    {
        var id = user["_id"].AsString;
        var nameHash = chain.KeyedNameHash(user["name_hash"].AsString);
        var binding = user.Contains("name_key")
            ? chain.BindingOf(id, user["name_key"].AsString, user["username"].AsString)
            : chain.RetiredBindingOf(id, nameHash);
        return new UpdateOneModel<BsonDocument>(Where.Eq("_id", id), Change.Set("name_hash", nameHash).Set("binding", binding));
    }

    /// <summary>Who gave wrong codes for a device that waits.</summary>
    private async Task HashActorsAsync(MongoTransaction transaction)
    {
        foreach (var pairing in await _pairings.Find(transaction.Session, Where.Exists("wrong_by")).ToListAsync(transaction.Ct))
        {
            var hashed = new BsonDocument(pairing["wrong_by"].AsBsonDocument.Select(by => new BsonElement(chain.KeyedNameHash(by.Name), by.Value)));
            await _pairings.UpdateOneAsync(
                transaction.Session, Where.Eq("_id", pairing["_id"]), Change.Set("wrong_by", hashed), null, transaction.Ct);
        }
    }

    /// <summary>Transactions that make a collection fail on some servers.</summary>
    private async Task MakeCollectionsAsync(CancellationToken ct)
    {
        foreach (var name in (string[])[MongoMigrations.Collection, MongoNames.Users, LogDocument.Collection, LogHeadDocument.Collection, PairingDocument.Collection])
        {
            await database.MakeCollectionAsync(name, ct);
        }
    }
}
