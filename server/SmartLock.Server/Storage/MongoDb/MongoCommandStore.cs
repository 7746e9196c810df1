using MongoDB.Driver;
using SmartLock.Server.Commands;

namespace SmartLock.Server.Storage.MongoDb;

internal sealed class MongoCommandStore(MongoDatabase database, MongoLocks locks, MongoCommandEnds ends) : ICommandStore
{
    private static readonly FilterDefinitionBuilder<CommandDocument> Where = Builders<CommandDocument>.Filter;

    private readonly IMongoCollection<CommandDocument> _commands = database.Collection<CommandDocument>(CommandDocument.Collection);

    /// <summary>
    /// Whoever changes the lock at the same time, or issues another command for it, writes the same document: one of the two runs again. Of two with
    /// the same idempotency key the unique index lets one through.
    /// </summary>
    public Task<IssueResult> IssueAsync(IssueRequest request, CancellationToken ct) =>
        database.TransactAsync(
            request.DeviceId,
            async transaction =>
            {
                var earlier = await FindByKeyAsync(transaction, request);
                var found = await locks.FindLockAsync(transaction, request.DeviceId);
                var (result, logged) = IssueRules.Decide(request, earlier?.ToCommand(), AsSeenBy(found, request));
                if (result is { Outcome: IssueOutcome.Issued, Command: { } command })
                {
                    // First, so that a conflict shows at once.
                    var issuedAt = Builders<LockDocument>.Update.Set(l => l.LastIssuedAt, command.IssuedAt.ToUnixTimeMilliseconds());
                    await locks.UpdateAsync(transaction, request.DeviceId, issuedAt);
                    await _commands.InsertOneAsync(
                        transaction.Session, CommandDocument.Of(command, request.IdempotencyKey, found!.OwnershipId), null, transaction.Ct);
                }

                if (logged is { } entry)
                {
                    await transaction.AppendAsync(entry, found?.OwnershipId);
                }

                return result;
            },
            ct);

    public Task<IReadOnlyList<Command>> FindManyAsync(IReadOnlyCollection<string> commandIds, CancellationToken ct) =>
        database.ReadAsync<IReadOnlyList<Command>>(
            async token => (await _commands.Find(Where.In(c => c.Id, commandIds)).ToListAsync(token)).ConvertAll(c => c.ToCommand()),
            ct);

    public Task<Command?> FindAsync(string commandId, string username, CancellationToken ct) =>
        database.ReadAsync(
            async token =>
            {
                var found = await _commands.Find(CommandDocument.ById(commandId)).FirstOrDefaultAsync(token);
                return found is not null && (found.RequestedBy == username || await OwnsSinceAsync(found, username, token)) ? found.ToCommand() : null;
            },
            ct);

    public Task<Command?> FailAsync(string commandId, string result, DateTimeOffset now, CancellationToken ct) =>
        database.TransactAsync(
            async transaction =>
            {
                var found = await _commands.Find(transaction.Session, CommandDocument.ById(commandId)).FirstOrDefaultAsync(transaction.Ct);
                if (found is null || CommandEndRules.Fail(found.ToCommand(), result, now) is not { } failed)
                {
                    return null;
                }

                // A retry is a new attempt.
                var update = Builders<CommandDocument>.Update.Unset(c => c.IdempotencyKey);
                await _commands.UpdateOneAsync(transaction.Session, CommandDocument.ById(commandId), update, null, transaction.Ct);
                await ends.WriteAsync(transaction, [failed]);
                return failed.Command;
            },
            ct);

    public Task<IReadOnlyList<Command>> ExpireAsync(DateTimeOffset expiredBefore, DateTimeOffset now, int limit, CancellationToken ct) =>
        database.TransactAsync<IReadOnlyList<Command>>(
            async transaction =>
            {
                var isOverdue = Where.Lt(c => c.ExpiresAt, expiredBefore) | Where.Gt(c => c.ExpiresAt, now + CommandRules.FarthestExpiry);
                var found = await _commands.Find(transaction.Session, Where.Eq(c => c.State, CommandState.Sent) & isOverdue)
                    .SortBy(c => c.ExpiresAt)
                    .Limit(limit)
                    .ToListAsync(transaction.Ct);
                List<EndedCommand> expired = [.. found.Select(c => CommandEndRules.Expire(c.ToCommand(), expiredBefore, now)).OfType<EndedCommand>()];
                await ends.WriteAsync(transaction, expired);
                return expired.ConvertAll(e => e.Command);
            },
            ct);

    private static LockForCommand? AsSeenBy(LockDocument? found, IssueRequest request) =>
        found?.AccessOf(request.Actor, request.Now) is { } access
            ? new LockForCommand(access, found.State, found.LastIssuedAt, new DeviceRoute(found.Key, found.Unsigned, found.OwnTopics, found.Boot))
            : null;

    private async Task<CommandDocument?> FindByKeyAsync(MongoTransaction transaction, IssueRequest request) => request.IdempotencyKey is null
        ? null
        : await _commands
            .Find(transaction.Session, Where.Eq(c => c.RequestedBy, request.Actor) & Where.Eq(c => c.IdempotencyKey, request.IdempotencyKey))
            .FirstOrDefaultAsync(transaction.Ct);

    private async Task<bool> OwnsSinceAsync(CommandDocument command, string username, CancellationToken ct) =>
        await locks.Documents.Find(LockDocument.ById(command.DeviceId)).FirstOrDefaultAsync(ct) is { } found
        && found.Owner == username
        && found.OwnershipId == command.OwnershipId;
}
