using MongoDB.Driver;
using SmartLock.Server.Commands;
using SmartLock.Server.Heartbeats;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>How commands end.</summary>
internal sealed class MongoCommandEnds(MongoDatabase database)
{
    private static readonly FilterDefinitionBuilder<CommandDocument> Where = Builders<CommandDocument>.Filter;

    private readonly IMongoCollection<CommandDocument> _commands = database.Collection<CommandDocument>(CommandDocument.Collection);

    /// <summary>Whether any of these verdicts may still count: devices repeat theirs in every heartbeat.</summary>
    public Task<bool> AnyOpenAsync(IReadOnlyCollection<Verdict> verdicts, CancellationToken ct) =>
        verdicts.Count == 0 ? Task.FromResult(false) : _commands.Find(NamedBy(verdicts)).Limit(1).AnyAsync(ct);

    /// <summary>Whether any of these reports may show a command to be done.</summary>
    public Task<bool> AnySeenAsync(IReadOnlyCollection<DeviceReport> reports, CancellationToken ct) =>
        reports.Count == 0 ? Task.FromResult(false) : _commands.Find(SentTo(reports)).Limit(1).AnyAsync(ct);

    /// <param name="locks">Of the verdicts' devices, as the transaction has them.</param>
    /// <returns>Those that ended, in order; twice where a second verdict contradicted the first.</returns>
    public async Task<IReadOnlyList<Command>> DecideAsync(
        MongoTransaction transaction, IReadOnlyCollection<Verdict> verdicts, IReadOnlyDictionary<string, LockDocument> locks)
    {
        if (verdicts.Count == 0)
        {
            return [];
        }

        var known = (await _commands.Find(transaction.Session, NamedBy(verdicts)).ToListAsync(transaction.Ct)).ToDictionary(c => c.Id, c => c.ToCommand());
        var ended = new List<EndedCommand>();
        foreach (var verdict in verdicts)
        {
            if (known.TryGetValue(verdict.CommandId, out var command)
                && locks.TryGetValue(verdict.DeviceId, out var device)
                && VerdictRules.Decide(command, verdict, device.KeyFrom) is { } end)
            {
                known[command.Id] = end.Command;
                ended.Add(end);
            }
        }

        await WriteAsync(transaction, ended);
        return ended.ConvertAll(e => e.Command);
    }

    /// <param name="reports">Of devices that name no command. To be asked after the verdicts.</param>
    /// <inheritdoc cref="DecideAsync"/>
    public async Task<IReadOnlyList<Command>> SeeAsync(
        MongoTransaction transaction, IReadOnlyCollection<DeviceReport> reports, IReadOnlyDictionary<string, LockDocument> locks)
    {
        if (reports.Count == 0)
        {
            return [];
        }

        var byDevice = reports.ToDictionary(r => r.DeviceId);
        var sent = await _commands.Find(transaction.Session, SentTo(reports)).ToListAsync(transaction.Ct);
        var ended = new List<EndedCommand>();
        foreach (var command in sent)
        {
            if (locks.TryGetValue(command.DeviceId, out var known)
                && VerdictRules.See(command.ToCommand(), byDevice[command.DeviceId], known.KeyFrom, known.Unsigned) is { } end)
            {
                ended.Add(end);
            }
        }

        await WriteAsync(transaction, ended);
        return ended.ConvertAll(e => e.Command);
    }

    /// <summary>Each end stands in the log of who has the lock now.</summary>
    public async Task WriteAsync(MongoTransaction transaction, IReadOnlyCollection<EndedCommand> ended)
    {
        if (ended.Count == 0)
        {
            return;
        }

        // Of two ends of one command the last is how it is.
        var writes = ended.GroupBy(e => e.Command.Id).Select(ends => ends.Last()).Select(e => new UpdateOneModel<CommandDocument>(
            CommandDocument.ById(e.Command.Id),
            Builders<CommandDocument>.Update
                .Set(c => c.State, e.Command.State)
                .Set(c => c.Result, e.Command.Result)
                .Set(c => c.DecidedAt, e.Command.DecidedAt)
                .Set(c => c.EarlierResult, e.Command.EarlierResult)));
        await _commands.BulkWriteAsync(transaction.Session, writes, MongoBulk.InAnyOrder, transaction.Ct);

        var those = Builders<LockDocument>.Filter.In(l => l.DeviceId, ended.Select(e => e.Command.DeviceId).Distinct());
        var present = await database.Collection<LockDocument>(LockDocument.Collection).Find(transaction.Session, those)
            .Project(l => new { l.DeviceId, l.OwnershipId })
            .ToListAsync(transaction.Ct);
        var ownershipIds = present.ToDictionary(l => l.DeviceId, l => l.OwnershipId);
        await transaction.AppendAsync([.. ended.Select(e => (e.Entry, ownershipIds.GetValueOrDefault(e.Command.DeviceId)))]);
    }

    private static FilterDefinition<CommandDocument> NamedBy(IReadOnlyCollection<Verdict> verdicts) => Where.Or(
    [
        Where.In(c => c.Id, verdicts.Select(v => v.CommandId).Distinct()) & Where.Eq(c => c.Result, null),
        .. verdicts.Where(v => VerdictWords.IsMovement(v.Result)).GroupBy(v => v.Result).Select(same =>
            Where.In(c => c.Id, same.Select(v => v.CommandId).Distinct()) & Where.Ne(c => c.Result, same.Key) & Where.Eq(c => c.EarlierResult, null)),
    ]);

    private static FilterDefinition<CommandDocument> SentTo(IEnumerable<DeviceReport> reports) =>
        Where.In(c => c.DeviceId, reports.Select(r => r.DeviceId)) & Where.Eq(c => c.State, CommandState.Sent) & Where.Eq(c => c.Result, null);
}
