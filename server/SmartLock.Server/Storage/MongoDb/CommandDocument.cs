using MongoDB.Bson;
using SmartLock.Server.Commands;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>The documents of <c>commands</c>; <c>_id</c> is the command's id, times are Unix milliseconds. They have outboxes.</summary>
internal static class CommandDocument
{
    public const string Collection = "commands";

    public const string DeviceId = "device_id";
    public const string Action = "action";
    public const string RequestedBy = "requested_by";

    /// <summary>Unique with who asked; absent where none was given, or it is free again.</summary>
    public const string IdempotencyKey = "idempotency_key";

    public const string IssuedAt = "issued_at";
    public const string ExpiresAt = "expires_at";
    public const string State = "state";
    public const string Result = "result";
    public const string DecidedAt = "decided_at";

    /// <summary>The lock's when it was sent.</summary>
    public const string Tenure = "tenure";

    /// <summary>Id of the bulk write that ended it.</summary>
    public const string Batch = "batch";

    public static BsonDocument ToBson(Command command, string? idempotencyKey, string tenure, OutboxEntry sent) => new()
    {
        { "_id", command.Id },
        { DeviceId, command.DeviceId },
        { Action, command.Action.ToString() },
        { RequestedBy, command.RequestedBy },
        { IdempotencyKey, idempotencyKey, idempotencyKey is not null },
        { IssuedAt, command.IssuedAt.ToUnixTimeMilliseconds() },
        { ExpiresAt, command.ExpiresAt.ToUnixTimeMilliseconds() },
        { State, command.State.ToString() },
        { Tenure, tenure },
        { OutboxEntry.Field, new BsonArray { sent.ToBson() } },
    };

    public static Command FromBson(BsonDocument stored) => new(
        stored["_id"].AsString,
        stored[DeviceId].AsString,
        stored.Enum<CommandAction>(Action),
        stored[RequestedBy].AsString,
        stored.Time(IssuedAt),
        stored.Time(ExpiresAt),
        stored.Enum<CommandState>(State),
        stored.TextOrNull(Result),
        stored.TimeOrNull(DecidedAt));
}
