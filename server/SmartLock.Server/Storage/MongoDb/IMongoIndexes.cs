namespace SmartLock.Server.Storage.MongoDb;

/// <summary>The indexes of a store's collections. Unique ones decide races, so nothing is read or written before they are there.</summary>
internal interface IMongoIndexes
{
    /// <summary>
    /// Makes those that are missing. Goes to the driver's collections directly, not through <see cref="MongoDatabase.RunAsync{T}"/>, which waits for this.
    /// </summary>
    Task CreateAsync(CancellationToken ct);
}
