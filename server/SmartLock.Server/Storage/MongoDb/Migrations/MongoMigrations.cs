using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb.Migrations;

/// <summary>
/// Brings a database of an older version up to date, before its indexes are made. Each migration may be broken off and done again from the beginning,
/// and two servers that start at once may both do it.
/// </summary>
internal sealed partial class MongoMigrations(MongoDatabase database, AuditChain chain, ILogger<MongoMigrations> logger) : IMongoSetup
{
    public const string Collection = "schema";
    public const string Number = "number";

    private const int Binding = 2;

    public static readonly FilterDefinition<BsonDocument> TheOne = Builders<BsonDocument>.Filter.Eq("_id", "schema");

    private readonly IMongoCollection<BsonDocument> _schema = database.Collection(Collection);

    /// <summary>The first is number 1. A database without a number has had none of them.</summary>
    private readonly Func<CancellationToken, Task>[] _all = [new TransactionsMigration(database, chain).RunAsync, new BindingMigration(database, chain, Binding).RunAsync];

    /// <exception cref="StartupException">A later version of the server has used the database.</exception>
    public async Task SetUpAsync(CancellationToken ct)
    {
        var done = await ReadAsync(ct);
        for (; done < _all.Length; done++)
        {
            // The migration that binds the accounts is the first to seal as it is done now, and knows by it whether they were bound before.
            database.Transactions.SealsAsBefore = done + 1 < Binding;
            await _all[done](ct);

            // Of two servers at once neither takes the number back.
            await _schema.UpdateOneAsync(TheOne, Builders<BsonDocument>.Update.Max(Number, done + 1), new UpdateOptions { IsUpsert = true }, ct);
            LogMigrated(done + 1);
        }
    }

    public async Task CheckAsync(CancellationToken ct)
    {
        if (await ReadAsync(ct) < _all.Length)
        {
            throw new StartupException(
                $"The database {database.Raw.DatabaseNamespace.DatabaseName} was used by an older version of the server: start the server once, which brings it up to date.");
        }
    }

    /// <summary>The number of the last migration that was done.</summary>
    private async Task<int> ReadAsync(CancellationToken ct)
    {
        var stored = await _schema.Find(TheOne).FirstOrDefaultAsync(ct);
        var done = stored?[Number].ToInt32() ?? 0;
        return done <= _all.Length
            ? done
            : throw new StartupException(
                $"The database {database.Raw.DatabaseNamespace.DatabaseName} was used by a later version of the server: it has schema {done}, and this version knows {_all.Length}.");
    }

    [LoggerMessage(2102, LogLevel.Information, "Store: the database has schema {Number} now.")]
    private partial void LogMigrated(int number);
}
