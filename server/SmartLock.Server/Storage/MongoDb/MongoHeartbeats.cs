using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Commands;
using SmartLock.Server.Heartbeats;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// Stores batches of reports. Most say nothing new: these are written at once and outside of a transaction, each guarded by the lock being as it was
/// judged by. What is news, with its log entries, and the losses and verdicts, are one transaction.
/// </summary>
internal sealed class MongoHeartbeats(MongoDatabase database, MongoCommandEnds commands)
{
    private const int MostRounds = 4;

    private static readonly FilterDefinitionBuilder<LockDocument> Where = Builders<LockDocument>.Filter;

    private readonly IMongoCollection<LockDocument> _locks = database.Collection<LockDocument>(LockDocument.Collection);

    /// <summary>For what the devices say again within seconds if it is lost, and for judging, which the guards check.</summary>
    private readonly IMongoCollection<LockDocument> _quickLocks = database.Collection<LockDocument>(LockDocument.Collection)
        .WithWriteConcern(WriteConcern.W1)
        .WithReadConcern(ReadConcern.Local);

    /// <summary>
    /// What says nothing new is not all or nothing with the rest: the caller tries the whole batch again when it fails, and what is stored already is
    /// stored again without harm.
    /// </summary>
    public async Task<DeviceBatchResult> ApplyAsync(DeviceBatch batch, CancellationToken ct)
    {
        // A loss is judged after its device's report.
        var losing = batch.Losses.Select(l => l.DeviceId).ToHashSet();
        var plain = await database.ReadAsync(
            token => ConfirmAsync([.. batch.Reports.Where(r => !losing.Contains(r.DeviceId))], token), ct);
        List<DeviceReport> news = [.. plain.News, .. batch.Reports.Where(r => losing.Contains(r.DeviceId))];

        // The lock's own flag decides; where no report claims to be of an unsigned device there is nothing to look for.
        DeviceReport[] unsigned = [.. batch.Reports.Where(r => VerdictRules.SeenBy(r) is not null)];
        var (verdicts, seen) = await database.ReadAsync(
            async token => (
                await commands.AnyOpenAsync(batch.Verdicts, token) ? batch.Verdicts : [],
                await commands.AnySeenAsync(unsigned, token) ? unsigned : []),
            ct);
        if (news.Count == 0 && batch.Losses.Count == 0 && verdicts.Count == 0 && seen.Length == 0)
        {
            return ResultOf(plain, new Applied(), [], []);
        }

        return await database.TransactAsync(
            async transaction =>
            {
                var applied = new Applied();
                var deviceIds = news.Select(r => r.DeviceId)
                    .Concat(losing)
                    .Concat(verdicts.Select(v => v.DeviceId))
                    .Concat(seen.Select(r => r.DeviceId))
                    .Distinct();
                var locks = (await _locks.Find(transaction.Session, Where.In(l => l.DeviceId, deviceIds)).ToListAsync(transaction.Ct))
                    .ToDictionary(l => l.DeviceId);
                news.ForEach(report => applied.Take(locks, report, plain.MayBeStored(report)));
                foreach (var loss in batch.Losses)
                {
                    applied.Lose(locks, loss);
                }

                if (applied.Written.Count > 0)
                {
                    var writes = applied.Written.Select(id => new UpdateOneModel<LockDocument>(LockDocument.ById(id), ToUpdate(locks[id])));
                    await _locks.BulkWriteAsync(transaction.Session, writes, MongoBulk.InAnyOrder, transaction.Ct);
                }

                await transaction.AppendAsync(applied.Entries);
                var decided = await commands.DecideAsync(transaction, verdicts, locks);
                return ResultOf(plain, applied, decided, await commands.SeeAsync(transaction, seen, locks));
            },
            ct);
    }

    private static DeviceBatchResult ResultOf(Confirmations plain, Applied applied, IReadOnlyList<Command> decided, IReadOnlyList<Command> seen) =>
        new(applied.Changed, applied.CameBack, applied.WentAway, [.. decided, .. seen], [.. plain.Outdated, .. applied.Outdated])
        {
            Replayed = [.. plain.Replayed, .. applied.Replayed],
        };

    /// <summary>Stores the reports that say nothing new.</summary>
    private async Task<Confirmations> ConfirmAsync(IReadOnlyList<DeviceReport> reports, CancellationToken ct)
    {
        var result = new Confirmations();
        var rest = reports;
        for (var round = 0; rest.Count > 0; round++)
        {
            if (round == MostRounds)
            {
                result.News.AddRange(rest);
                break;
            }

            var stored = (await _quickLocks.Find(Where.In(l => l.DeviceId, rest.Select(r => r.DeviceId))).ToListAsync(ct)).ToDictionary(l => l.DeviceId);
            var writes = new List<WriteModel<LockDocument>>(rest.Count);
            var confirmed = new List<DeviceReport>(rest.Count);
            foreach (var report in rest)
            {
                var before = stored.GetValueOrDefault(report.DeviceId);
                var decision = ReportRules.Take(before, report);
                if (decision is { Outcome: ReportOutcome.Confirmed, Lock: { } heard } && !result.IsStored(report, before!))
                {
                    writes.Add(new UpdateOneModel<LockDocument>(GuardOf(before!), ToUpdate(heard)));
                    confirmed.Add(report);
                }
                else if (decision.Outcome is not ReportOutcome.Confirmed)
                {
                    result.Note(report, decision.Outcome, before);
                }
            }

            // Of those that did not all match it is not known which were written: they are judged again.
            rest = writes.Count == 0 || await _quickLocks.WriteAsync(writes, ct) == writes.Count ? [] : confirmed;
            result.Unsure.UnionWith(rest);
        }

        return result;
    }

    /// <summary>That the lock is as the report was judged by.</summary>
    private static BsonDocument GuardOf(LockDocument before) => new()
    {
        { "_id", before.DeviceId },
        { "key_from", before.KeyFrom },
        { "state", before.State.ToString() },
        { "status", before.Status.ToString() },
        { "issue", ValueOf(before.Issue) },
        { "last_seen", before.LastSeen is { } seen ? seen.ToUnixTimeMilliseconds() : BsonNull.Value },
        { "sent_at", before.SentAt },
    };

    /// <summary>Element by element, since thousands are made at once. Of the members of <see cref="HeardLock"/>, those that reports change.</summary>
    private static BsonDocument ToUpdate(HeardLock heard) => new("$set", new BsonDocument
    {
        { "state", heard.State.ToString() },
        { "status", heard.Status.ToString() },
        { "issue", ValueOf(heard.Issue) },
        { "last_seen", heard.LastSeen is { } seen ? seen.ToUnixTimeMilliseconds() : BsonNull.Value },
        { "lost_at", heard.LostAt is { } lost ? lost.ToUnixTimeMilliseconds() : BsonNull.Value },
        { "sent_at", heard.SentAt },
        { "connected_at", heard.ConnectedAt },
        { "own_topics", heard.OwnTopics },
        { "firmware", ValueOf(heard.Firmware) },
        { "rssi", heard.Rssi is { } rssi ? rssi : BsonNull.Value },
        { "battery_mv", heard.BatteryMv is { } battery ? battery : BsonNull.Value },
        { "uptime_s", heard.UptimeS is { } uptime ? uptime : BsonNull.Value },
    });

    private static BsonValue ValueOf(string? text) => text is null ? BsonNull.Value : text;

    /// <summary>What became of the reports outside of the transaction.</summary>
    private sealed class Confirmations
    {
        public List<DeviceReport> News { get; } = [];

        public List<DeviceReport> Outdated { get; } = [];

        public List<DeviceReport> Replayed { get; } = [];

        /// <summary>Those that may have been written in a round before.</summary>
        public HashSet<DeviceReport> Unsure { get; } = new(ReferenceEqualityComparer.Instance);

        public bool MayBeStored(DeviceReport report) => Unsure.Contains(report);

        public bool IsStored(DeviceReport report, HeardLock stored) => Unsure.Contains(report) && Says(stored, report);

        public void Note(DeviceReport report, ReportOutcome outcome, HeardLock? stored)
        {
            switch (outcome)
            {
                case ReportOutcome.Outdated:
                    Outdated.Add(report);
                    break;
                case ReportOutcome.Replayed when !IsStored(report, stored!):
                    Replayed.Add(report);
                    break;
                case ReportOutcome.Changed or ReportOutcome.CameBack:
                    News.Add(report);
                    break;
            }
        }

        /// <summary>Whether the lock says already that it was heard, or sent, then.</summary>
        public static bool Says(HeardLock stored, DeviceReport report) => report.BySignature
            ? stored.SentAt == report.SentAt
            : stored.LastSeen?.ToUnixTimeMilliseconds() == report.HeardAt.ToUnixTimeMilliseconds();
    }

    /// <summary>What one run of the transaction does.</summary>
    private sealed class Applied
    {
        public HashSet<string> Written { get; } = [];

        public List<(NewAuditEntry Entry, string? Tenure)> Entries { get; } = [];

        public List<string> Changed { get; } = [];

        public List<string> CameBack { get; } = [];

        public List<string> WentAway { get; } = [];

        public List<DeviceReport> Outdated { get; } = [];

        public List<DeviceReport> Replayed { get; } = [];

        /// <param name="mayBeStored">It may have been written as one that says nothing new.</param>
        public void Take(Dictionary<string, LockDocument> locks, DeviceReport report, bool mayBeStored)
        {
            var stored = locks.GetValueOrDefault(report.DeviceId);
            var decision = ReportRules.Take(stored, report);
            switch (decision.Outcome)
            {
                case ReportOutcome.Outdated:
                    Outdated.Add(report);
                    break;
                case ReportOutcome.Replayed when !mayBeStored || !Confirmations.Says(stored!, report):
                    Replayed.Add(report);
                    break;
                case ReportOutcome.Changed:
                    Changed.Add(report.DeviceId);
                    break;
                case ReportOutcome.CameBack:
                    CameBack.Add(report.DeviceId);
                    break;
            }

            Store(locks, report.DeviceId, decision.Lock, decision.Entry);
        }

        public void Lose(Dictionary<string, LockDocument> locks, ConnectionLoss loss)
        {
            if (ReportRules.Lose(locks.GetValueOrDefault(loss.DeviceId), loss) is { } lost)
            {
                WentAway.Add(loss.DeviceId);
                Store(locks, loss.DeviceId, lost.Lock, lost.Entry);
            }
        }

        private void Store(Dictionary<string, LockDocument> locks, string deviceId, HeardLock? after, NewAuditEntry? entry)
        {
            if (after is null)
            {
                return;
            }

            // The rule gives back what it was given, changed.
            var document = (LockDocument)after;
            locks[deviceId] = document;
            Written.Add(deviceId);
            if (entry is not null)
            {
                Entries.Add((entry, document.Tenure));
            }
        }
    }
}
