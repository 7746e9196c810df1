using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// Gathers one page of entries that match a filter. The newest entries are taken along the index that leaves least to look at, at most so many; which
/// of them match is asked of these only.
/// </summary>
internal sealed class MongoLogSearch
{
    private const int MostLookedAt = 20_000;

    /// <summary>More in one query and the server would no longer merge their index entries, but sort all that they have.</summary>
    private const int OwnershipsAtOnce = 100;

    private static readonly FilterDefinitionBuilder<LogDocument> Filter = Builders<LogDocument>.Filter;
    private static readonly SortDefinition<LogDocument> NewestFirst = Builders<LogDocument>.Sort.Descending(l => l.LogId);

    private readonly IMongoCollection<LogDocument> _logs;
    private readonly MongoNames _names;
    private readonly AuditFilter _filter;
    private readonly string? _actor;
    private readonly long _before;
    private readonly int _limit;

    private MongoLogSearch(IMongoCollection<LogDocument> logs, MongoNames names, AuditFilter filter, string? actor, long before, int limit)
    {
        _logs = logs;
        _names = names;
        _filter = filter;
        _actor = actor;
        _before = before;
        _limit = limit;
    }

    public static async Task<MongoLogSearch> StartAsync(
        IMongoCollection<LogDocument> logs,
        MongoNames names,
        AuditFilter filter,
        long? beforeId,
        int limit,
        CancellationToken ct)
    {
        var actor = filter.Actor is null ? null : await names.ToStoredAsync(filter.Actor, ct);
        return new MongoLogSearch(logs, names, filter, actor, beforeId ?? long.MaxValue, limit);
    }

    public async Task<Page<AuditEntry>> OfAllAsync(CancellationToken ct)
    {
        var along = (_filter.DeviceId, _actor) switch
        {
            ({ } deviceId, _) => Filter.Eq(l => l.DeviceId, deviceId),
            (_, { } actor) => Filter.Eq(l => l.Actor, actor),
            _ => Filter.Empty,
        };
        return await PageAsync([await LookAsync(along, ct)], ct);
    }

    public async Task<Page<AuditEntry>> OfOwnershipsAsync(IReadOnlyCollection<string> ownershipIds, CancellationToken ct)
    {
        var looks = new List<Look>();
        foreach (var some in ownershipIds.Chunk(OwnershipsAtOnce))
        {
            looks.Add(await LookAsync(Filter.In(l => l.OwnershipId, some), ct));
        }

        return await PageAsync(looks, ct);
    }

    private async Task<Look> LookAsync(FilterDefinition<LogDocument> along, CancellationToken ct)
    {
        var range = along & Filter.Lt(l => l.LogId, _before);
        var found = await _logs.Aggregate()
            .Match(range)
            .Sort(NewestFirst)
            .Limit(MostLookedAt)
            .Match(Matching())
            .Limit(_limit + 1)
            .ToListAsync(ct);
        if (found.Count > _limit)
        {
            return new Look(found, null);
        }

        var last = await _logs.Find(range)
            .Sort(NewestFirst)
            .Skip(MostLookedAt - 1)
            .Limit(1)
            .Project(l => (long?)l.LogId)
            .FirstOrDefaultAsync(ct);
        return new Look(found, last);
    }

    private FilterDefinition<LogDocument> Matching()
    {
        var matching = Filter.Empty;
        if (_filter.DeviceId is not null)
        {
            matching &= Filter.Eq(l => l.DeviceId, _filter.DeviceId);
        }

        if (_actor is not null)
        {
            matching &= Filter.Eq(l => l.Actor, _actor);
        }

        if (_filter.Action is not null)
        {
            matching &= Filter.Eq(l => l.Action, _filter.Action);
        }

        if (_filter.From is { } from)
        {
            matching &= Filter.Gte(l => l.Time, from.ToUnixTimeMilliseconds());
        }

        return _filter.Until is { } until ? matching & Filter.Lt(l => l.Time, until.ToUnixTimeMilliseconds()) : matching;
    }

    /// <summary>Where one look was broken off, nothing older of the others is shown either: the next page begins there.</summary>
    private async Task<Page<AuditEntry>> PageAsync(IReadOnlyCollection<Look> looks, CancellationToken ct)
    {
        var brokenOffAt = looks.Max(l => l.BrokenOffAt);
        var found = looks.SelectMany(l => l.Found)
            .Select(l => l.ToEntry())
            .Where(e => brokenOffAt is null || e.Id >= brokenOffAt)
            .OrderByDescending(e => e.Id)
            .Take(_limit + 1)
            .ToList();
        var shown = await _names.ToShownAsync(found.SelectMany(e => e.Target is null ? [e.Actor] : new[] { e.Actor, e.Target }), ct);
        return AuditCursor.Page([.. found.Select(e => Show(e, shown))], _limit, brokenOffAt);
    }

    private static AuditEntry Show(ChainedEntry entry, IReadOnlyDictionary<string, string> shown) => new(
        entry.Id,
        DateTimeOffset.FromUnixTimeMilliseconds(entry.Time),
        entry.DeviceId,
        shown[entry.Actor],
        entry.Action,
        entry.Result,
        entry.CommandId,
        entry.Target is null ? null : shown[entry.Target],
        entry.Sequence,
        entry.PreviousHash,
        entry.Hash,
        entry.Issue);

    /// <param name="BrokenOffAt">Id of the last entry that was looked at, where there may be more.</param>
    private sealed record Look(List<LogDocument> Found, long? BrokenOffAt);
}
