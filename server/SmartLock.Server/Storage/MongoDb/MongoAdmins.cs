using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Accounts;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// Sees to it that the last enabled admin stays one, by a document with the ids of enabled admins that can be relied on. Whoever is in it is
/// an enabled admin; one who is not, because a process was killed, is added when it matters.
/// </summary>
/// <remarks>
/// To stop being one, an admin is first marked as stepping down in its own document, then taken out of the list, which works only while
/// another one is in it, then changed, which works only while the mark is still there. Whoever adds reads the list's revision before it looks
/// for admins without the mark, and adds only if the revision is still the same. So either the mark was seen, or the taking out came later and
/// either undid the addition or refused it.
/// </remarks>
internal sealed class MongoAdmins(MongoDatabase database, MongoUsers users, TimeProvider time) : IMongoSetup
{
    private const string ListId = "enabled";
    private const int MostTries = 20;

    /// <summary>So long a mark holds that its process may have left behind.</summary>
    private static readonly TimeSpan MarkHolds = TimeSpan.FromMinutes(1);

    private static readonly FilterDefinitionBuilder<BsonDocument> Where = Builders<BsonDocument>.Filter;
    private static readonly UpdateDefinitionBuilder<BsonDocument> Change = Builders<BsonDocument>.Update;
    private static readonly FilterDefinition<BsonDocument> List = Where.Eq("_id", ListId);
    private static readonly FilterDefinition<BsonDocument> Enabled = MongoUsers.IsAdmin & Where.Eq("disabled", false);

    private readonly IMongoCollection<BsonDocument> _list = database.Collection("admins");

    /// <summary>Takes the mark off.</summary>
    public static UpdateDefinition<BsonDocument> SteppedDown { get; } = Change.Unset("stepping_down");

    public static bool IsEnabledAdmin(User user) => user is { Role: Role.Admin, Disabled: false };

    /// <summary>That an account still has the mark.</summary>
    public static FilterDefinition<BsonDocument> HasMark(string mark) => Where.Eq("stepping_down.id", mark);

    /// <summary>Makes the list, with the admins that there are.</summary>
    public Task SetUpAsync(CancellationToken ct) => CountAsync(ct);

    /// <summary>Adds the enabled admins that are not in the list.</summary>
    public async Task CountAsync(CancellationToken ct)
    {
        for (var tries = 0; tries < MostTries; tries++)
        {
            if (await _list.Find(List).FirstOrDefaultAsync(ct) is not { } list)
            {
                await MakeListAsync(ct);
                continue;
            }

            var missing = await FindUncountedAsync(list["ids"].AsBsonArray, ct);
            if (missing.Count == 0)
            {
                return;
            }

            var added = await _list.UpdateOneAsync(List & Where.Eq("rev", list["rev"]), Change.AddToSetEach("ids", missing), null, ct);
            if (added.MatchedCount == 1)
            {
                return;
            }
        }
    }

    /// <summary>
    /// Marks an enabled admin and takes it out of the list. The change that follows is guarded by <see cref="HasMark"/>; if there is none, call
    /// <see cref="StayAsync"/>.
    /// </summary>
    public async Task<StepDown> StepDownAsync(BsonValue id, CancellationToken ct)
    {
        var now = time.GetUtcNow();
        var mark = Ids.NewUlid(now);
        var marked = await users.Documents.UpdateOneAsync(
            MongoUsers.Living(id) & Enabled,
            Change.Push("stepping_down", new BsonDocument { { "id", mark }, { "at", now.ToUnixTimeMilliseconds() } }),
            null,
            ct);
        if (marked.MatchedCount == 0)
        {
            return new StepDown(StepDownOutcome.Changed);
        }

        if (await TryLeaveAsync(id, ct))
        {
            return new StepDown(StepDownOutcome.Free, mark);
        }

        // Perhaps another is an enabled admin as well and only not in the list.
        await CountAsync(ct);
        if (await TryLeaveAsync(id, ct))
        {
            return new StepDown(StepDownOutcome.Free, mark);
        }

        await StayAsync(id, mark, ct);
        return new StepDown(StepDownOutcome.Last);
    }

    public async Task StayAsync(BsonValue id, string mark, CancellationToken ct)
    {
        await users.Documents.UpdateOneAsync(
            Where.Eq("_id", id), Change.PullFilter<BsonDocument>("stepping_down", Where.Eq("id", mark)), null, ct);
        await CountAsync(ct);
    }

    private async Task MakeListAsync(CancellationToken ct)
    {
        try
        {
            await _list.UpdateOneAsync(
                List, Change.SetOnInsert("ids", new BsonArray()).SetOnInsert("rev", 0L), new UpdateOptions { IsUpsert = true }, ct);
        }
        catch (Exception e) when (MongoErrors.IsDuplicateKey(e))
        {
            // Another replica has made it in the same moment.
        }
    }

    /// <summary>The revision goes up even if it was not in the list, so that nobody adds it who has seen it before it was marked.</summary>
    private async Task<bool> TryLeaveAsync(BsonValue id, CancellationToken ct)
    {
        var left = await _list.UpdateOneAsync(
            List & Where.ElemMatch("ids", new BsonDocumentFilterDefinition<BsonDocument>(new BsonDocument("$ne", id))),
            Change.Pull("ids", id).Inc("rev", 1L),
            null,
            ct);
        return left.MatchedCount == 1;
    }

    private async Task<List<BsonValue>> FindUncountedAsync(BsonArray counted, CancellationToken ct)
    {
        // Without its mark, whoever comes back after so long finds the account changed and begins anew.
        var before = (time.GetUtcNow() - MarkHolds).ToUnixTimeMilliseconds();
        var isOld = Where.Lte("at", before);
        await users.Documents.UpdateManyAsync(
            Enabled & Where.ElemMatch("stepping_down", isOld), Change.PullFilter("stepping_down", isOld), null, ct);
        var found = await users.Documents
            .Find(Enabled & Where.Exists("stepping_down.0", false))
            .Project(Builders<BsonDocument>.Projection.Include("_id"))
            .ToListAsync(ct);
        return [.. found.Select(user => user["_id"]).Except(counted)];
    }
}

internal enum StepDownOutcome
{
    /// <summary>May be changed.</summary>
    Free,

    /// <summary>It is the last one.</summary>
    Last,

    /// <summary>It is no enabled admin any more.</summary>
    Changed,
}

/// <param name="Mark">Set for Free.</param>
internal sealed record StepDown(StepDownOutcome Outcome, string? Mark = null);
