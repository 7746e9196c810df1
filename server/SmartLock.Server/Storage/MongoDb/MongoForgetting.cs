using System.Text.RegularExpressions;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// Forgets the names of deleted accounts where they may stand any number of times: in commands, and in what webhooks were told. It is done when an
/// account is deleted, and once more a minute later, since requests and events that were under way may write the name a moment longer, and
/// since the first time may have been cut short. Done twice it does no harm.
/// </summary>
internal sealed partial class MongoForgetting(MongoDatabase database, MongoUsers users, MongoWebhooks webhooks, TimeProvider time, ILogger<MongoForgetting> logger)
    : RepeatedService(new FailureLog(logger, time, LogDelayed, LogFailed), time)
{
    /// <summary>So long after the deletion nothing writes the name any more.</summary>
    public static readonly TimeSpan Settled = TimeSpan.FromMinutes(1);

    /// <summary>Documents. Others get their turn between two steps.</summary>
    private const int StepSize = 1_000;

    private static readonly TimeSpan Every = TimeSpan.FromSeconds(30);

    private readonly IMongoCollection<CommandDocument> _commands = database.Collection<CommandDocument>(CommandDocument.Collection);

    /// <summary>Forgets those that are due for the last time.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        var isDue = Builders<RetiredUserDocument>.Filter.Lte(u => u.Leaving!.DueAt, Time.GetUtcNow());
        foreach (var retired in await database.ReadAsync(token => users.Retired.Find(isDue).Limit(StepSize).ToListAsync(token), ct))
        {
            await ForgetAsync(retired, ct);
            await database.ReadAsync(
                token => users.Retired.UpdateOneAsync(
                    Builders<RetiredUserDocument>.Filter.Eq(u => u.Id, retired.Id),
                    Builders<RetiredUserDocument>.Update.Unset(u => u.Leaving),
                    null,
                    token),
                ct);
        }
    }

    public async Task ForgetAsync(RetiredUserDocument retired, CancellationToken ct)
    {
        var leaving = retired.Leaving!;
        var shown = AuditActors.Deleted(retired.Id);
        await webhooks.DeleteDeliveriesOfAsync(leaving.WebhookIds, StepSize, ct);
        await ForgetAskerAsync(leaving.Username, shown, ct);

        // Last, since they are made of commands.
        await ForgetInDeliveriesAsync(leaving.Username, shown, ct);
    }

    protected override async Task RunStepAsync(CancellationToken ct)
    {
        await RunAsync(ct);
        await Task.Delay(Every, Time, ct);
    }

    /// <summary>The idempotency keys go, since they were the account's own words, and the eight digits are not promised to be unique.</summary>
    private async Task ForgetAskerAsync(string username, string shown, CancellationToken ct)
    {
        var where = Builders<CommandDocument>.Filter;
        var forget = Builders<CommandDocument>.Update.Set(c => c.RequestedBy, shown).Unset(c => c.IdempotencyKey);
        List<string> step;
        do
        {
            step = await database.ReadAsync(
                token => _commands.Find(where.Eq(c => c.RequestedBy, username)).Limit(StepSize).Project(c => c.Id).ToListAsync(token), ct);
            await database.ReadAsync(token => _commands.UpdateManyAsync(where.In(c => c.Id, step), forget, null, token), ct);
        }
        while (step.Count == StepSize);
    }

    /// <summary>What other accounts' webhooks were told of it, or will be. Names need no escaping in JSON.</summary>
    private Task ForgetInDeliveriesAsync(string username, string shown, CancellationToken ct)
    {
        var before = $"\"requested_by\":\"{username}\"";
        var after = $"\"requested_by\":\"{shown}\"";
        var where = Builders<DeliveryDocument>.Filter;
        return database.ReadAsync(
            async token =>
            {
                using var cursor = await webhooks.Deliveries.Find(where.Regex(d => d.Body, new BsonRegularExpression(Regex.Escape(before)))).ToCursorAsync(token);
                while (await cursor.MoveNextAsync(token))
                {
                    foreach (var delivery in cursor.Current)
                    {
                        await webhooks.Deliveries.UpdateOneAsync(
                            where.Eq(d => d.Id, delivery.Id),
                            Builders<DeliveryDocument>.Update.Set(d => d.Body, delivery.Body.Replace(before, after, StringComparison.Ordinal)),
                            null,
                            token);
                    }
                }
            },
            ct);
    }

    [LoggerMessage(2141, LogLevel.Warning, "Erasing the names of deleted accounts is delayed: {Reason}")]
    private static partial void LogDelayed(ILogger logger, string reason);

    [LoggerMessage(2142, LogLevel.Error, "Erasing the names of deleted accounts failed and will be tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
