using System.Text.RegularExpressions;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>Takes away what webhooks leave behind that were deleted or switched off, or were made by half by a process that was killed.</summary>
internal sealed partial class MongoWebhookTidy(
    MongoDatabase database,
    MongoWebhooks webhooks,
    MongoBacklog backlog,
    TimeProvider time,
    ILogger<MongoWebhookTidy> logger) : IMongoOutbox
{
    private const int MostTidied = 100;
    private const int MostAtOnce = 1_000;

    private static readonly FilterDefinitionBuilder<BsonDocument> Filter = Builders<BsonDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<BsonDocument> Update = Builders<BsonDocument>.Update;

    public string Collection => WebhookFields.Collection;

    /// <summary>Whoever is not served just now leaves it to <see cref="FinishAsync"/>: what was asked for is done already.</summary>
    public async Task TryTidyAsync(string webhookId)
    {
        try
        {
            await TidyAsync(webhookId, CancellationToken.None);
        }
        catch (StoreUnavailableException e)
        {
            LogLeft(webhookId, e.Message);
        }
    }

    /// <summary>Finishes what a killed process left: webhooks that were made, deleted or switched off by half.</summary>
    public async Task FinishAsync(CancellationToken ct)
    {
        var left = await database.ReadAsync(
            token => webhooks.Documents.Find(Filter.Lte(WebhookFields.TidyAt, time.GetUtcNow().ToUnixTimeMilliseconds()))
                .Project(Builders<BsonDocument>.Projection.Include(WebhookFields.Id))
                .Limit(MostTidied)
                .ToListAsync(token),
            ct);
        foreach (var document in left)
        {
            await TidyAsync(document[WebhookFields.Id].AsString, ct);
        }
    }

    /// <summary>For the account's deletion: its webhooks and all that they were told, or would have been. No log entry: it is not the account that did it.</summary>
    public async Task DeleteAllOfAsync(string nameKey, CancellationToken ct)
    {
        var isOwn = Filter.Eq(WebhookFields.NameKey, nameKey);
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        await database.ReadAsync(
            token => webhooks.Documents.UpdateManyAsync(isOwn, Update.Set(WebhookFields.Deleted, true).Set(WebhookFields.TidyAt, now), null, token),
            ct);
        var left = await database.ReadAsync(
            token => webhooks.Documents.Find(isOwn).Project(Builders<BsonDocument>.Projection.Include(WebhookFields.Id)).ToListAsync(token),
            ct);
        foreach (var document in left)
        {
            await TidyAsync(document[WebhookFields.Id].AsString, ct);
        }
    }

    /// <summary>For the account's deletion: what other accounts' webhooks were told of it, or will be. Names need no escaping in JSON.</summary>
    /// <param name="shown">What stands in the place of the name from now on.</param>
    public Task ForgetAskerAsync(string username, string shown, CancellationToken ct)
    {
        var before = $"\"requested_by\":\"{username}\"";
        var after = $"\"requested_by\":\"{shown}\"";
        var holdsName = Filter.Regex(DeliveryFields.Body, new BsonRegularExpression(Regex.Escape(before)));
        return database.ReadAsync(
            async token =>
            {
                using var cursor = await webhooks.Deliveries.Find(holdsName).Project(Builders<BsonDocument>.Projection.Include(DeliveryFields.Body)).ToCursorAsync(token);
                while (await cursor.MoveNextAsync(token))
                {
                    foreach (var row in cursor.Current)
                    {
                        await webhooks.Deliveries.UpdateOneAsync(
                            Filter.Eq(DeliveryFields.Id, row[DeliveryFields.Id]),
                            Update.Set(DeliveryFields.Body, row[DeliveryFields.Body].AsString.Replace(before, after, StringComparison.Ordinal)),
                            null,
                            token);
                    }
                }
            },
            ct);
    }

    public async Task TidyAsync(string webhookId, CancellationToken ct)
    {
        if (await webhooks.FindAsync(Filter.Eq(WebhookFields.Id, webhookId), ct) is not { } found || !found.TryGetValue(WebhookFields.TidyAt, out var tidyAt))
        {
            return;
        }

        var isSame = Filter.Eq(WebhookFields.Id, webhookId) & Filter.Eq(WebhookFields.TidyAt, tidyAt);
        if (!found.IsTrue(WebhookFields.Deleted))
        {
            await backlog.EndPendingAsync(found, tidyAt.ToInt64(), ct);
            await database.ReadAsync(token => webhooks.Documents.UpdateOneAsync(isSame, Update.Unset(WebhookFields.TidyAt), null, token), ct);
            return;
        }

        while (await webhooks.DeleteDeliveriesAsync(Filter.Eq(DeliveryFields.WebhookId, webhookId), MostAtOnce, ct) == MostAtOnce)
        {
            // In small parts: others get their turn between two of them.
        }

        await database.ReadAsync(
            token => webhooks.Documents.DeleteOneAsync(isSame & Filter.Eq(WebhookFields.Deleted, true) & Filter.Exists($"{OutboxEntry.Field}.0", false), token),
            ct);
    }

    [LoggerMessage(2131, LogLevel.Information, "What is left of webhook {WebhookId} is tidied up later: {Reason}")]
    private partial void LogLeft(string webhookId, string reason);
}
