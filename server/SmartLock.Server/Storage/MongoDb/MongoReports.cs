using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// What reports and losses do to their locks. Locks are read, each report is judged by its lock, and all are written at once, each guarded by what it
/// was judged by. What another server changed in between is judged again.
/// </summary>
internal sealed class MongoReports(MongoDatabase database, MongoLog log, TimeProvider time)
{
    private const int MostRounds = 4;

    private static readonly FilterDefinitionBuilder<BsonDocument> Filter = Builders<BsonDocument>.Filter;

    private static readonly ProjectionDefinition<BsonDocument> Judged = Builders<BsonDocument>.Projection
        .Include(LockFields.Status)
        .Include(LockFields.Issue)
        .Include(LockFields.State)
        .Include(LockFields.LastSeen)
        .Include(LockFields.SentAt)
        .Include(LockFields.LostAt)
        .Include(LockFields.ConnectedAt)
        .Include(LockFields.KeyFrom)
        .Include(LockFields.Tenure)
        .Include(LockFields.Unsigned);

    private readonly IMongoCollection<BsonDocument> _locks = database.Collection(LockFields.Collection);

    /// <summary>For what the devices say again within seconds if it is lost, and for judging, which the guards check.</summary>
    private readonly IMongoCollection<BsonDocument> _quickLocks = database.Collection(LockFields.Collection)
        .WithWriteConcern(WriteConcern.W1)
        .WithReadConcern(ReadConcern.Local);

    /// <summary>As they are now; those that are gone are left out.</summary>
    public async Task<Dictionary<string, BsonDocument>> ReadAsync(IEnumerable<string> deviceIds, CancellationToken ct)
    {
        var stored = await _quickLocks.Find(Filter.In("_id", deviceIds) & MongoAccess.IsThere).Project(Judged).ToListAsync(ct);
        return stored.ToDictionary(l => l["_id"].AsString);
    }

    /// <param name="locks">As <see cref="ReadAsync"/> gave them just now.</param>
    public async Task<ReportsResult> ApplyAsync(IReadOnlyCollection<DeviceReport> reports, Dictionary<string, BsonDocument> locks, CancellationToken ct)
    {
        var result = new ReportsResult([], [], [], []);
        var unsure = new HashSet<DeviceReport>(ReferenceEqualityComparer.Instance);
        var rest = reports;
        for (var round = 0; rest.Count > 0 && round < MostRounds; round++)
        {
            if (round > 0)
            {
                locks = await ReadAsync(rest.Select(r => r.DeviceId), ct);
            }

            var judged = new List<ReportWrite>(rest.Count);
            foreach (var report in rest)
            {
                var write = ReportWrite.Judge(report, locks.GetValueOrDefault(report.DeviceId));
                switch (write.Kind)
                {
                    case ReportKind.Outdated:
                        result.Outdated.Add(report);
                        break;
                    case ReportKind.Overtaken:
                    case ReportKind.Confirms or ReportKind.Replayed when unsure.Contains(report) && write.IsStored:
                        break;
                    case ReportKind.Replayed:
                        result.Replayed.Add(report);
                        break;
                    default:
                        judged.Add(write);
                        break;
                }
            }

            rest = await WriteAsync(judged, result, ct);

            // Of those that changed nothing it is not known which were written.
            unsure.UnionWith(judged.Where(w => w.Kind is ReportKind.Confirms).Select(w => w.Report));
        }

        await log.TryDrainAsync(_locks, [.. result.CameBack.Select(id => (BsonValue)id)], ct);
        return result;
    }

    /// <returns>Devices whose loss was applied.</returns>
    public async Task<IReadOnlyList<string>> ApplyAsync(IReadOnlyCollection<ConnectionLoss> losses, CancellationToken ct)
    {
        if (losses.Count == 0)
        {
            return [];
        }

        var locks = await ReadAsync(losses.Select(l => l.DeviceId).Distinct(), ct);
        var holding = losses.Where(l => locks.TryGetValue(l.DeviceId, out var stored) && IsOfPresent(l, stored)).DistinctBy(l => l.DeviceId);
        return await SilenceAsync(
            [.. holding.Select(l => new Silence(locks[l.DeviceId], LockIssues.ConnectionLost, l.HeardAt))],
            ct);
    }

    /// <summary>Makes Unavailable those of the locks that are as they were read.</summary>
    /// <returns>These.</returns>
    public async Task<IReadOnlyList<string>> SilenceAsync(IReadOnlyList<Silence> silences, CancellationToken ct)
    {
        if (silences.Count == 0)
        {
            return [];
        }

        var entries = await log.PrepareAsync(
            [.. silences.Select(s => (MongoEntries.Unavailable(s.DeviceId, s.Issue, s.Time), (string?)s.Lock[LockFields.Tenure].AsString))],
            ct);
        var batch = Ids.NewUlid(time.GetUtcNow());
        var writes = silences.Select((s, i) => (WriteModel<BsonDocument>)new UpdateOneModel<BsonDocument>(
            new BsonDocument
            {
                { "_id", s.Lock["_id"] },
                { LockFields.Tenure, s.Lock[LockFields.Tenure] },
                { LockFields.KeyFrom, s.Lock[LockFields.KeyFrom] },
                { LockFields.State, nameof(LockState.Available) },
                { LockFields.LastSeen, s.Lock.GetValue(LockFields.LastSeen, BsonNull.Value) },
                { LockFields.ConnectedAt, s.Lock.GetValue(LockFields.ConnectedAt, BsonNull.Value) },
                { LockFields.Deleted, new BsonDocument("$ne", true) },
            },
            Silenced(s, batch).PushEach(OutboxEntry.Field, [entries[i].ToBson()])));
        var won = await _locks.WriteAsync(writes, ct) == silences.Count
            ? [.. silences.Select(s => s.DeviceId)]
            : await FindWonAsync(silences.Select(s => s.DeviceId), batch, ct);
        await log.TryDrainAsync(_locks, [.. won.Select(id => (BsonValue)id)], ct);
        return won;
    }

    private static UpdateDefinition<BsonDocument> Silenced(Silence silence, string batch)
    {
        var update = Builders<BsonDocument>.Update
            .Set(LockFields.State, nameof(LockState.Unavailable))
            .Set(LockFields.Issue, silence.Issue)
            .Set(LockFields.Batch, batch);
        return silence.Issue == LockIssues.ConnectionLost ? update.Set(LockFields.LostAt, silence.Time.ToUnixTimeMilliseconds()) : update;
    }

    private static bool IsOfPresent(ConnectionLoss loss, BsonDocument stored) =>
        stored[LockFields.KeyFrom].ToInt64() == loss.KeyFrom
        && stored.Int64OrNull(LockFields.ConnectedAt) == loss.ConnectedAt
        && stored[LockFields.State].AsString == nameof(LockState.Available)
        && stored.Int64OrNull(LockFields.LastSeen) <= loss.HeardAt.ToUnixTimeMilliseconds();

    /// <returns>Those to be judged again.</returns>
    private async Task<IReadOnlyCollection<DeviceReport>> WriteAsync(List<ReportWrite> judged, ReportsResult result, CancellationToken ct)
    {
        if (judged.Count == 0)
        {
            return [];
        }

        var news = judged.FindAll(w => w.Kind is not ReportKind.Confirms);
        var entries = await log.PrepareAsync(
            [
                .. news.Where(w => w.Kind is ReportKind.Revives)
                    .Select(w => (MongoEntries.Available(w.Report.DeviceId, w.Report.HeardAt), (string?)w.Tenure)),
            ],
            ct);
        var ofDevice = entries.ToDictionary(e => e.Entry.DeviceId);
        var batch = Ids.NewUlid(time.GetUtcNow());
        var locks = news.Count == 0 ? _quickLocks : _locks;
        var written = await locks.WriteAsync(judged.Select(w => w.ToWrite(batch, ofDevice.GetValueOrDefault(w.Report.DeviceId))), ct);
        if (written == judged.Count)
        {
            news.ForEach(result.Note);
            return [];
        }

        var won = (await FindWonAsync(news.Select(w => w.Report.DeviceId), batch, ct)).ToHashSet();
        news.FindAll(w => won.Contains(w.Report.DeviceId)).ForEach(result.Note);
        return [.. judged.Where(w => w.Kind is ReportKind.Confirms || !won.Contains(w.Report.DeviceId)).Select(w => w.Report)];
    }

    private async Task<IReadOnlyList<string>> FindWonAsync(IEnumerable<string> deviceIds, string batch, CancellationToken ct)
    {
        var mine = await _locks.Find(Filter.In("_id", deviceIds) & Filter.Eq(LockFields.Batch, batch))
            .Project(Builders<BsonDocument>.Projection.Include("_id"))
            .ToListAsync(ct);
        return [.. mine.Select(m => m["_id"].AsString)];
    }
}

/// <param name="Lock">As it was read.</param>
internal sealed record Silence(BsonDocument Lock, string Issue, DateTimeOffset Time)
{
    public string DeviceId => Lock["_id"].AsString;
}

internal sealed record ReportsResult(List<string> Changed, List<string> CameBack, List<DeviceReport> Outdated, List<DeviceReport> Replayed)
{
    public void Note(ReportWrite write) => (write.Kind is ReportKind.Revives ? CameBack : Changed).Add(write.Report.DeviceId);
}
