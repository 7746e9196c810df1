using MongoDB.Driver;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>A document with its collection and its indexes. Member names are stored in snake_case, see <see cref="MongoConventions"/>.</summary>
internal interface IMongoDocument<TSelf>
    where TSelf : IMongoDocument<TSelf>
{
    static abstract string Collection { get; }

    /// <summary>Without the one on <c>_id</c>. An index that changes needs another name, and a migration that drops the one before.</summary>
    static abstract IEnumerable<CreateIndexModel<TSelf>> Indexes { get; }
}

/// <summary>What must be in place before the first use of the store. Done by each server at its start.</summary>
internal interface IMongoSetup
{
    Task SetUpAsync(CancellationToken ct);

    /// <summary>The same for a process that only reads: writes nothing, and throws where it would have to.</summary>
    Task CheckAsync(CancellationToken ct) => Task.CompletedTask;
}

internal sealed class MongoIndexes<T>(MongoDatabase database) : IMongoSetup
    where T : IMongoDocument<T>
{
    /// <summary>The collection is there afterwards: transactions that make one at once fail on some servers.</summary>
    public async Task SetUpAsync(CancellationToken ct)
    {
        CreateIndexModel<T>[] indexes = [.. T.Indexes];
        if (indexes.Length > 0)
        {
            await database.Collection<T>(T.Collection).Indexes.CreateManyAsync(indexes, ct);
            return;
        }

        await database.MakeCollectionAsync(T.Collection, ct);
    }
}
