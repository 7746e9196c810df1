using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Commands;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// A command is issued in two writes. The lock's document gives the time of issue to who may move it at that moment; then the command is
/// inserted, with its log entry in its outbox, and its idempotency key decides between two who ask at once. A time of issue whose command was never
/// inserted is a gap, and no harm.
/// </summary>
internal sealed class MongoCommandStore(MongoDatabase database, MongoLog log, MongoCommandEnds ends) : ICommandStore, IMongoSetup, IMongoOutbox
{
    private const int MostTries = 20;

    private static readonly FilterDefinitionBuilder<BsonDocument> Filter = Builders<BsonDocument>.Filter;

    private static readonly FindOneAndUpdateOptions<BsonDocument> After = new() { ReturnDocument = ReturnDocument.After };

    private readonly IMongoCollection<BsonDocument> _commands = database.Collection(CommandDocument.Collection);
    private readonly IMongoCollection<BsonDocument> _locks = database.Collection(LockFields.Collection);

    public string Collection => CommandDocument.Collection;

    public Task SetUpAsync(CancellationToken ct)
    {
        var keys = Builders<BsonDocument>.IndexKeys;
        var isSent = Filter.Eq(CommandDocument.State, nameof(CommandState.Sent));
        return _commands.Indexes.CreateManyAsync(
            [
                new(
                    keys.Ascending(CommandDocument.RequestedBy).Ascending(CommandDocument.IdempotencyKey),
                    new CreateIndexOptions<BsonDocument>
                    {
                        Name = "once",
                        Unique = true,
                        PartialFilterExpression = Filter.Exists(CommandDocument.IdempotencyKey),
                    }),
                new(keys.Ascending(CommandDocument.RequestedBy), new CreateIndexOptions { Name = "asker" }),
                new(keys.Ascending(CommandDocument.ExpiresAt), new CreateIndexOptions<BsonDocument> { Name = "open", PartialFilterExpression = isSent }),
                new(keys.Ascending(CommandDocument.DeviceId).Ascending("_id"), new CreateIndexOptions { Name = "device" }),
                new(keys.Ascending(CommandDocument.DeviceId), new CreateIndexOptions<BsonDocument> { Name = "sent", PartialFilterExpression = isSent }),
                OutboxEntry.Index(),
            ],
            ct);
    }

    /// <summary>The key comes first: a retry gets the first answer whatever has become of the lock since.</summary>
    public Task<IssueResult> IssueAsync(IssueRequest request, CancellationToken ct) =>
        database.ReadAsync(
            async token =>
            {
                for (var tries = 0; tries < MostTries; tries++)
                {
                    if (await FindByKeyAsync(request, token) is { } earlier)
                    {
                        return earlier.DeviceId == request.DeviceId && earlier.Action == request.Action
                            ? new IssueResult(IssueOutcome.AlreadyIssued, earlier)
                            : await RefuseAsync(request, IssueOutcome.IdempotencyKeyReused, AuditResults.KeyReused, await FindLockAsync(request.DeviceId, token), token);
                    }

                    var issued = await TakeTimeAsync(request, token) is { } taken
                        ? await WriteAsync(request, taken, token)
                        : await ExplainAsync(request, token);
                    if (issued is not null)
                    {
                        return issued;
                    }
                }

                throw new StoreUnavailableException("The lock changes too often to be moved just now.");
            },
            ct);

    public Task<IReadOnlyList<Command>> FindManyAsync(IReadOnlyCollection<string> commandIds, CancellationToken ct) =>
        database.ReadAsync<IReadOnlyList<Command>>(
            async token => [.. (await _commands.Find(Filter.In("_id", commandIds)).ToListAsync(token)).Select(CommandDocument.FromBson)],
            ct);

    public Task<Command?> FindAsync(string commandId, string username, CancellationToken ct) =>
        database.ReadAsync(
            async token =>
            {
                if (await _commands.Find(Filter.Eq("_id", commandId)).FirstOrDefaultAsync(token) is not { } stored)
                {
                    return null;
                }

                var command = CommandDocument.FromBson(stored);
                return command.RequestedBy == username || await OwnsSinceAsync(stored, username, token) ? command : null;
            },
            ct);

    public Task<Command?> FailAsync(string commandId, string result, DateTimeOffset now, CancellationToken ct) =>
        database.ReadAsync(token => ends.FailAsync(commandId, result, now, token), ct);

    public Task<IReadOnlyList<Command>> ExpireAsync(DateTimeOffset expiredBefore, DateTimeOffset now, int limit, CancellationToken ct) =>
        database.ReadAsync(token => ends.ExpireAsync(expiredBefore, now, limit, token), ct);

    private async Task<Command?> FindByKeyAsync(IssueRequest request, CancellationToken ct)
    {
        if (request.IdempotencyKey is null)
        {
            return null;
        }

        var stored = await _commands
            .Find(Filter.Eq(CommandDocument.RequestedBy, request.Actor) & Filter.Eq(CommandDocument.IdempotencyKey, request.IdempotencyKey))
            .FirstOrDefaultAsync(ct);
        return stored is null ? null : CommandDocument.FromBson(stored);
    }

    private Task<BsonDocument?> FindLockAsync(string deviceId, CancellationToken ct) =>
        _locks.Find(Filter.Eq("_id", deviceId) & MongoAccess.IsThere).FirstOrDefaultAsync(ct)!;

    /// <summary>Who may, whether the device is heard, and the next time of issue (<see cref="CommandRules.NextIssuedAt"/>) in one guarded write.</summary>
    /// <returns>The lock after it; null when it may not be moved.</returns>
    private Task<BsonDocument?> TakeTimeAsync(IssueRequest request, CancellationToken ct)
    {
        var now = request.Now.ToUnixTimeMilliseconds();
        var last = new BsonDocument("$ifNull", new BsonArray { $"${LockFields.LastIssuedAt}", 0L });
        var next = new BsonDocument("$cond", new BsonArray
        {
            new BsonDocument("$gt", new BsonArray { last, now + CommandRules.MaxAheadMs }),
            now,
            new BsonDocument("$max", new BsonArray { now, new BsonDocument("$add", new BsonArray { last, 1L }) }),
        });
        return _locks.FindOneAndUpdateAsync(
            Filter.Eq("_id", request.DeviceId)
                & MongoAccess.IsThere
                & Filter.Eq(LockFields.State, nameof(LockState.Available))
                & MongoAccess.MayMove(request.Actor, request.Now),
            Builders<BsonDocument>.Update.Pipeline(PipelineDefinition<BsonDocument, BsonDocument>.Create(
                new BsonDocument("$set", new BsonDocument(LockFields.LastIssuedAt, next)))),
            After,
            ct)!;
    }

    /// <returns>Null when another request took the idempotency key in between.</returns>
    private async Task<IssueResult?> WriteAsync(IssueRequest request, BsonDocument storedLock, CancellationToken ct)
    {
        var command = request.IssuedAt(storedLock.Time(LockFields.LastIssuedAt));
        var tenure = storedLock[LockFields.Tenure].AsString;
        var sent = await log.PrepareAsync(MongoEntries.Outcome(command, request.Actor, AuditResults.Sent, request.Now), tenure, ct);
        try
        {
            await _commands.InsertOneAsync(CommandDocument.ToBson(command, request.IdempotencyKey, tenure, sent), null, ct);
        }
        catch (MongoWriteException e) when (MongoErrors.IsDuplicateKey(e) || MongoErrors.IsConflict(e))
        {
            return null;
        }

        await log.DrainAsync(_commands, command.Id, sent, ct);
        if (!await StillMayAsync(request, tenure, ct))
        {
            // The right was lost between the two writes, and that may have been answered by now: the door must not move.
            await ends.FailAsync(command.Id, AuditResults.NotFound, request.Now, ct);
            return new IssueResult(IssueOutcome.NotFound);
        }

        var route = new DeviceRoute(
            storedLock[LockFields.Key].AsByteArray,
            storedLock.IsTrue(LockFields.Unsigned),
            storedLock.IsTrue(LockFields.OwnTopics));
        return new IssueResult(IssueOutcome.Issued, command, route);
    }

    private async Task<bool> StillMayAsync(IssueRequest request, string tenure, CancellationToken ct) =>
        await _locks.Find(
                Filter.Eq("_id", request.DeviceId)
                    & MongoAccess.IsThere
                    & Filter.Eq(LockFields.Tenure, tenure)
                    & MongoAccess.MayMove(request.Actor, request.Now))
            .Project(Builders<BsonDocument>.Projection.Include("_id"))
            .AnyAsync(ct);

    /// <returns>Null when by now it could be moved.</returns>
    private async Task<IssueResult?> ExplainAsync(IssueRequest request, CancellationToken ct)
    {
        var found = await FindLockAsync(request.DeviceId, ct);
        return (found is null ? null : MongoAccess.Of(found, request.Actor, request.Now)) switch
        {
            null => await RefuseAsync(request, IssueOutcome.NotFound, AuditResults.NotFound, found, ct),
            LockAccess.Viewer => await RefuseAsync(request, IssueOutcome.NotAllowed, AuditResults.Viewer, found, ct),
            _ when found!.Enum<LockState>(LockFields.State) is not LockState.Available =>
                await RefuseAsync(request, IssueOutcome.Offline, AuditResults.Offline, found, ct),
            _ => null,
        };
    }

    private async Task<IssueResult> RefuseAsync(IssueRequest request, IssueOutcome outcome, string result, BsonDocument? storedLock, CancellationToken ct)
    {
        var entry = new NewAuditEntry(request.Now, request.DeviceId, request.Actor, MongoEntries.ActionOf(request.Action), result);
        await log.AppendAsync([await log.PrepareAsync(entry, storedLock?.TextOrNull(LockFields.Tenure), ct)], ct);
        return new IssueResult(outcome);
    }

    private async Task<bool> OwnsSinceAsync(BsonDocument storedCommand, string username, CancellationToken ct) =>
        await _locks.Find(
                Filter.Eq("_id", storedCommand[CommandDocument.DeviceId].AsString)
                    & MongoAccess.IsThere
                    & Filter.Eq(LockFields.Owner, username)
                    & Filter.Eq(LockFields.Tenure, storedCommand[CommandDocument.Tenure].AsString))
            .AnyAsync(ct);
}
