namespace SmartLock.Server.Storage.MongoDb;

/// <summary>A collection whose documents carry log entries until they are drained. <see cref="MongoOutboxSweep"/> drains what a killed process left.</summary>
internal interface IMongoOutbox
{
    string Collection { get; }

    /// <summary>Finishes what else a killed process may have left, such as documents that are marked as deleted and drained by now.</summary>
    Task FinishAsync(CancellationToken ct) => Task.CompletedTask;
}
