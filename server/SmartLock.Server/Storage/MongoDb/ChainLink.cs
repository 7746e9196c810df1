namespace SmartLock.Server.Storage.MongoDb;

/// <summary>An entry on its way into its chain.</summary>
/// <param name="HasOutbox">An outbox holds it until it is through, and will have it tried again.</param>
internal sealed record ChainLink(OutboxEntry Entry, bool HasOutbox);
