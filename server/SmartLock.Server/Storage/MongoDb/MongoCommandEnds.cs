using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Commands;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>How commands end. Each end is one guarded write that carries its log entry; of several at once the first holds.</summary>
internal sealed class MongoCommandEnds(MongoDatabase database, MongoLog log, TimeProvider time)
{
    private static readonly FilterDefinitionBuilder<BsonDocument> Filter = Builders<BsonDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<BsonDocument> Update = Builders<BsonDocument>.Update;

    private static readonly FilterDefinition<BsonDocument> IsSent = Filter.Eq(CommandDocument.State, nameof(CommandState.Sent));
    private static readonly FilterDefinition<BsonDocument> HasNoVerdict = Filter.Eq(CommandDocument.Result, BsonNull.Value);

    private static readonly FilterDefinition<BsonDocument> IsOpen =
        Filter.In(CommandDocument.State, [nameof(CommandState.Sent), nameof(CommandState.Expired)]) & HasNoVerdict;

    private readonly IMongoCollection<BsonDocument> _commands = database.Collection(CommandDocument.Collection);
    private readonly IMongoCollection<BsonDocument> _locks = database.Collection(LockFields.Collection);

    public async Task<Command?> FailAsync(string commandId, string result, DateTimeOffset now, CancellationToken ct)
    {
        var stored = await _commands.Find(Filter.Eq("_id", commandId) & IsSent & HasNoVerdict).FirstOrDefaultAsync(ct);
        if (stored is null)
        {
            return null;
        }

        var end = new CommandEnd(CommandDocument.FromBson(stored), CommandState.Failed, result, AuditActors.System, result, now, IsSent & HasNoVerdict)
        {
            FreesKey = true,
        };
        return (await EndAsync([end], ct)).SingleOrDefault();
    }

    public async Task<IReadOnlyList<Command>> ExpireAsync(DateTimeOffset expiredBefore, DateTimeOffset now, int limit, CancellationToken ct)
    {
        var stored = await _commands.Find(IsSent & Filter.Lt(CommandDocument.ExpiresAt, expiredBefore.ToUnixTimeMilliseconds()))
            .Sort(Builders<BsonDocument>.Sort.Ascending(CommandDocument.ExpiresAt))
            .Limit(limit)
            .ToListAsync(ct);
        return await EndAsync(
            [
                .. stored.Select(s => new CommandEnd(CommandDocument.FromBson(s), CommandState.Expired, null, AuditActors.System, AuditResults.Expired, now, IsSent)),
            ],
            ct);
    }

    /// <param name="verdicts">Believed under the keys that their locks have now.</param>
    public async Task<IReadOnlyList<Command>> DecideAsync(IReadOnlyCollection<Verdict> verdicts, CancellationToken ct)
    {
        if (verdicts.Count == 0)
        {
            return [];
        }

        // A repeated verdict, the usual case by far, ends here.
        var stored = await _commands.Find(Filter.In("_id", verdicts.Select(v => v.CommandId).Distinct()) & IsOpen).ToListAsync(ct);
        var open = stored.Select(CommandDocument.FromBson).ToDictionary(c => c.Id);
        var ends = new Dictionary<string, CommandEnd>();
        foreach (var verdict in verdicts)
        {
            if (open.TryGetValue(verdict.CommandId, out var command) && command.DeviceId == verdict.DeviceId)
            {
                var actor = AuditActors.Device(verdict.DeviceId);
                var state = VerdictWords.StateFor(verdict.Result);
                ends.TryAdd(command.Id, new CommandEnd(command, state, verdict.Result, actor, verdict.Result, verdict.HeardAt, IsOpen));
            }
        }

        return await EndAsync([.. ends.Values], ct);
    }

    /// <summary>
    /// The sketch for unsigned devices names no command in its statuses: there the bolt speaks for it, once it is where the command wanted it.
    /// </summary>
    /// <param name="seen">Reports of unsigned locks, under the keys that these have now.</param>
    public async Task<IReadOnlyList<Command>> SeeAsync(IReadOnlyCollection<DeviceReport> seen, CancellationToken ct)
    {
        if (seen.Count == 0)
        {
            return [];
        }

        var byDevice = seen.ToDictionary(r => r.DeviceId);
        var stored = await _commands.Find(Filter.In(CommandDocument.DeviceId, byDevice.Keys) & IsSent & HasNoVerdict).ToListAsync(ct);
        var ends = new List<CommandEnd>();
        foreach (var command in stored.Select(CommandDocument.FromBson))
        {
            var report = byDevice[command.DeviceId];
            if (DoneBy(report.Status) == command.Action && command.IssuedAt <= report.HeardAt)
            {
                var actor = AuditActors.Device(command.DeviceId);
                ends.Add(new CommandEnd(command, CommandState.Done, VerdictWords.Done, actor, AuditResults.Seen, report.HeardAt, IsSent & HasNoVerdict));
            }
        }

        return await EndAsync(ends, ct);
    }

    private static CommandAction? DoneBy(LockStatus bolt) => bolt switch
    {
        LockStatus.Locked => CommandAction.Lock,
        LockStatus.Unlocked => CommandAction.Unlock,
        _ => null,
    };

    /// <returns>Those that nobody else ended first, as they are now.</returns>
    private async Task<IReadOnlyList<Command>> EndAsync(IReadOnlyList<CommandEnd> ends, CancellationToken ct)
    {
        if (ends.Count == 0)
        {
            return [];
        }

        var tenures = await TenuresAsync(ends.Select(e => e.Command.DeviceId).Distinct(), ct);
        var entries = await log.PrepareAsync(
            [
                .. ends.Select(e => (
                    MongoEntries.Outcome(e.Command, e.Actor, e.Entry, e.DecidedAt),
                    tenures.GetValueOrDefault(e.Command.DeviceId))),
            ],
            ct);
        var batch = Ids.NewUlid(time.GetUtcNow());
        var writes = ends.Select((end, i) => (WriteModel<BsonDocument>)new UpdateOneModel<BsonDocument>(
            Filter.Eq("_id", end.Command.Id) & end.Guard,
            ToUpdate(end, batch, entries[i])));
        var won = await _commands.WriteAsync(writes, ct) == ends.Count ? ends : await FindWonAsync(ends, batch, ct);
        await log.TryDrainAsync(_commands, [.. won.Select(e => (BsonValue)e.Command.Id)], ct);
        return [.. won.Select(e => e.Command with { State = e.State, Result = e.Result, DecidedAt = e.DecidedAt })];
    }

    private static UpdateDefinition<BsonDocument> ToUpdate(CommandEnd end, string batch, OutboxEntry entry)
    {
        var update = Update.Combine(
            Update.Set(CommandDocument.State, end.State.ToString()),
            Update.Set(CommandDocument.DecidedAt, end.DecidedAt.ToUnixTimeMilliseconds()),
            Update.Set(CommandDocument.Batch, batch),
            OutboxEntry.Push(entry));
        if (end.Result is not null)
        {
            update = update.Set(CommandDocument.Result, end.Result);
        }

        return end.FreesKey ? update.Unset(CommandDocument.IdempotencyKey) : update;
    }

    private async Task<IReadOnlyList<CommandEnd>> FindWonAsync(IReadOnlyList<CommandEnd> ends, string batch, CancellationToken ct)
    {
        var mine = await _commands.Find(Filter.In("_id", ends.Select(e => e.Command.Id)) & Filter.Eq(CommandDocument.Batch, batch))
            .Project(Builders<BsonDocument>.Projection.Include("_id"))
            .ToListAsync(ct);
        var won = mine.Select(m => m["_id"].AsString).ToHashSet();
        return [.. ends.Where(e => won.Contains(e.Command.Id))];
    }

    /// <summary>Of the locks as they are now: that is whose log an end stands in.</summary>
    private async Task<Dictionary<string, string>> TenuresAsync(IEnumerable<string> deviceIds, CancellationToken ct)
    {
        var stored = await _locks.Find(Filter.In("_id", deviceIds) & MongoAccess.IsThere)
            .Project(Builders<BsonDocument>.Projection.Include(LockFields.Tenure))
            .ToListAsync(ct);
        return stored.ToDictionary(l => l["_id"].AsString, l => l[LockFields.Tenure].AsString);
    }

    /// <param name="Entry">The result that its log entry tells.</param>
    /// <param name="Guard">What must still hold.</param>
    private sealed record CommandEnd(
        Command Command,
        CommandState State,
        string? Result,
        string Actor,
        string Entry,
        DateTimeOffset DecidedAt,
        FilterDefinition<BsonDocument> Guard)
    {
        /// <summary>A retry is a new attempt.</summary>
        public bool FreesKey { get; init; }
    }
}
