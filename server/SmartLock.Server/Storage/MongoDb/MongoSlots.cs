using System.Security.Cryptography;
using MongoDB.Bson;
using MongoDB.Driver;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// Numbers below a limit, of which an account has each once: a unique index on the two keeps the limit whoever counts at the same time, and
/// nothing has to be given back by a process that dies.
/// </summary>
internal static class MongoSlots
{
    public const int MostTries = 200;

    public static Infrastructure.StoreUnavailableException TooBusy() => new("Others change the same at the same time; try again.");

    /// <summary>
    /// Bits. From the first try on, several who look at once seldom find the same: a collision costs MongoDB two round trips, but servers
    /// compatible with it that keep unique indexes as exclusion constraints (DocumentDB on PostgreSQL) a deadlock of a second and more.
    /// </summary>
    private const int LeastSpread = 5;

    private const int WidestSpread = 12;

    /// <summary>A number that is free just now, or null when the account has as many as it may have.</summary>
    /// <param name="owner">Finds all that holds a number of the account's.</param>
    /// <param name="tries">How often another has just taken it: the more, the farther apart all who want one look.</param>
    public static async Task<int?> FindFreeAsync(
        IMongoCollection<BsonDocument> documents,
        FilterDefinition<BsonDocument> owner,
        int limit,
        int tries,
        CancellationToken ct)
    {
        var last = await Held().Sort(Builders<BsonDocument>.Sort.Descending(WebhookFields.Slot)).FirstOrDefaultAsync(ct);
        var next = last is null ? 0 : last[WebhookFields.Slot].ToInt32() + 1;
        if (next < limit)
        {
            return next + RandomNumberGenerator.GetInt32(Math.Min(1 << Math.Min(LeastSpread + tries, WidestSpread), limit - next));
        }

        // Only those who have had the last number look for the gaps. A limit that was lowered since leaves numbers above it, which count as well.
        var taken = (await Held().ToListAsync(ct)).Select(row => row[WebhookFields.Slot].ToInt32()).ToHashSet();
        var free = Enumerable.Range(0, limit).Where(slot => !taken.Contains(slot)).Take(Math.Max(0, limit - taken.Count)).ToArray();
        return free.Length == 0 ? null : free[RandomNumberGenerator.GetInt32(free.Length)];

        IFindFluent<BsonDocument, BsonDocument> Held() => documents.Find(owner & Builders<BsonDocument>.Filter.Exists(WebhookFields.Slot))
            .Project(Builders<BsonDocument>.Projection.Include(WebhookFields.Slot));
    }
}
