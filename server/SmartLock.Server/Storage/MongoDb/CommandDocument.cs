using MongoDB.Bson.Serialization.Attributes;
using MongoDB.Driver;
using SmartLock.Server.Commands;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>A command, in <c>commands</c>.</summary>
internal sealed record CommandDocument : IMongoDocument<CommandDocument>
{
    public static string Collection => "commands";

    public static IEnumerable<CreateIndexModel<CommandDocument>> Indexes
    {
        get
        {
            var keys = Builders<CommandDocument>.IndexKeys;
            var filter = Builders<CommandDocument>.Filter;
            var isSent = filter.Eq(c => c.State, CommandState.Sent);
            yield return new(
                keys.Ascending(c => c.RequestedBy).Ascending(c => c.IdempotencyKey),
                new CreateIndexOptions<CommandDocument> { Name = "once", Unique = true, PartialFilterExpression = filter.Exists(c => c.IdempotencyKey) });
            yield return new(keys.Ascending(c => c.RequestedBy), new CreateIndexOptions { Name = "asker" });
            yield return new(keys.Ascending(c => c.ExpiresAt), new CreateIndexOptions<CommandDocument> { Name = "open", PartialFilterExpression = isSent });
            yield return new(keys.Ascending(c => c.DeviceId).Ascending(c => c.Id), new CreateIndexOptions { Name = "device" });
            yield return new(keys.Ascending(c => c.DeviceId), new CreateIndexOptions<CommandDocument> { Name = "sent", PartialFilterExpression = isSent });
        }
    }

    public required string Id { get; init; }

    public required string DeviceId { get; init; }

    public required CommandAction Action { get; init; }

    public required string RequestedBy { get; init; }

    /// <summary>Unique with who asked; null where none was given, or it is free again.</summary>
    public string? IdempotencyKey { get; init; }

    public required DateTimeOffset IssuedAt { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    public required CommandState State { get; init; }

    public string? Result { get; init; }

    public DateTimeOffset? DecidedAt { get; init; }

    public string? EarlierResult { get; init; }

    /// <summary>The lock's when it was sent.</summary>
    [BsonElement(LockDocument.OwnershipElement)]
    public required string OwnershipId { get; init; }

    public static CommandDocument Of(Command command, string? idempotencyKey, string ownershipId) => new()
    {
        Id = command.Id,
        DeviceId = command.DeviceId,
        Action = command.Action,
        RequestedBy = command.RequestedBy,
        IdempotencyKey = idempotencyKey,
        IssuedAt = command.IssuedAt,
        ExpiresAt = command.ExpiresAt,
        State = command.State,
        OwnershipId = ownershipId,
    };

    public static FilterDefinition<CommandDocument> ById(string commandId) => Builders<CommandDocument>.Filter.Eq(c => c.Id, commandId);

    public Command ToCommand() => new(Id, DeviceId, Action, RequestedBy, IssuedAt, ExpiresAt, State, Result, DecidedAt, EarlierResult);
}
