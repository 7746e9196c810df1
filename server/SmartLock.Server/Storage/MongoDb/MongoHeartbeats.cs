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
            return plain.ToResult([]);
        }

        return await database.TransactAsync(
            async transaction =>
            {
                var taken = new Taken(plain);
                var deviceIds = news.Select(r => r.DeviceId)
                    .Concat(losing)
                    .Concat(verdicts.Select(v => v.DeviceId))
                    .Concat(seen.Select(r => r.DeviceId));
                var locks = await FindAsync(_locks.Find(transaction.Session, OfDevices(deviceIds)), transaction.Ct);
                news.ForEach(report => taken.Take(locks, report));
                foreach (var loss in batch.Losses)
                {
                    taken.Lose(locks, loss);
                }

                if (taken.Written.Count > 0)
                {
                    var writes = taken.Written.Select(id => new UpdateOneModel<LockDocument>(LockDocument.ById(id), ToUpdate(locks[id])));
                    await _locks.BulkWriteAsync(transaction.Session, writes, MongoBulk.InAnyOrder, transaction.Ct);
                }

                await transaction.AppendAsync(taken.Entries);
                var decided = await commands.DecideAsync(transaction, verdicts, locks);
                return taken.ToResult([.. decided, .. await commands.SeeAsync(transaction, seen, locks)]);
            },
            ct);
    }

    private static FilterDefinition<LockDocument> OfDevices(IEnumerable<string> deviceIds) => Where.In(l => l.DeviceId, deviceIds.Distinct());

    private static async Task<Dictionary<string, LockDocument>> FindAsync(IFindFluent<LockDocument, LockDocument> which, CancellationToken ct) =>
        (await which.ToListAsync(ct)).ToDictionary(l => l.DeviceId);

    /// <summary>Stores the reports that say nothing new; <see cref="Taken.News"/> are the others.</summary>
    private async Task<Taken> ConfirmAsync(IReadOnlyList<DeviceReport> reports, CancellationToken ct)
    {
        var taken = new Taken(null);
        var rest = reports;
        for (var round = 0; rest.Count > 0 && round < MostRounds; round++)
        {
            var stored = await FindAsync(_quickLocks.Find(OfDevices(rest.Select(r => r.DeviceId))), ct);
            var writes = new List<WriteModel<LockDocument>>(rest.Count);
            var confirmed = new List<DeviceReport>(rest.Count);
            foreach (var report in rest)
            {
                var before = stored.GetValueOrDefault(report.DeviceId);
                var decision = taken.Judge(before, report);
                if (decision is { Outcome: ReportOutcome.Confirmed, Lock: { } reported })
                {
                    writes.Add(new UpdateOneModel<LockDocument>(GuardOf(before!), ToUpdate(reported)));
                    confirmed.Add(report);
                }
                else if (decision?.Lock is not null)
                {
                    taken.News.Add(report);
                }
            }

            // Of those that did not all match it is not known which were written: they are judged again.
            rest = writes.Count == 0 || await _quickLocks.WriteAsync(writes, ct) == writes.Count ? [] : confirmed;
            taken.Unsure.UnionWith(rest);
        }

        taken.News.AddRange(rest);
        return taken;
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

    /// <summary>Element by element, since thousands are made at once. Of the members of <see cref="ReportedLock"/>, those that reports change.</summary>
    private static BsonDocument ToUpdate(ReportedLock reported) => new("$set", new BsonDocument
    {
        { "state", reported.State.ToString() },
        { "status", reported.Status.ToString() },
        { "issue", ValueOf(reported.Issue) },
        { "last_seen", reported.LastSeen is { } seen ? seen.ToUnixTimeMilliseconds() : BsonNull.Value },
        { "lost_at", reported.LostAt is { } lost ? lost.ToUnixTimeMilliseconds() : BsonNull.Value },
        { "sent_at", reported.SentAt },
        { "connected_at", reported.ConnectedAt },
        { "own_topics", reported.OwnTopics },
        { "boot", ValueOf(reported.Boot) },
        { "firmware", ValueOf(reported.Firmware) },
        { "rssi", reported.Rssi is { } rssi ? rssi : BsonNull.Value },
        { "battery_mv", reported.BatteryMv is { } battery ? battery : BsonNull.Value },
        { "uptime_s", reported.UptimeS is { } uptime ? uptime : BsonNull.Value },
    });

    private static BsonValue ValueOf(string? text) => text is null ? BsonNull.Value : text;

    /// <summary>What became of a batch: outside of the transaction, and then in one run of it.</summary>
    private sealed class Taken(Taken? before)
    {
        /// <summary>Reports for the transaction.</summary>
        public List<DeviceReport> News { get; } = [];

        /// <summary>Those that may be stored already, since a write of several is not known to have left them out.</summary>
        public HashSet<DeviceReport> Unsure { get; } = before?.Unsure ?? new(ReferenceEqualityComparer.Instance);

        /// <summary>Devices whose locks are to be written.</summary>
        public HashSet<string> Written { get; } = [];

        public List<(NewAuditEntry Entry, string? OwnershipId)> Entries { get; } = [];

        private readonly List<string> _changed = [];
        private readonly List<string> _cameBack = [];
        private readonly List<string> _wentAway = [];
        private readonly List<DeviceReport> _outdated = [.. before?._outdated ?? []];
        private readonly List<DeviceReport> _replayed = [.. before?._replayed ?? []];

        /// <returns>Null for a report that is stored already.</returns>
        public ReportDecision? Judge(LockDocument? stored, DeviceReport report)
        {
            var decision = ReportRules.Take(stored, report);
            if (Unsure.Contains(report) && decision.Outcome is ReportOutcome.Confirmed or ReportOutcome.Replayed && Says(stored!, report))
            {
                return null;
            }

            if (decision.Outcome is ReportOutcome.Outdated or ReportOutcome.Replayed)
            {
                (decision.Outcome is ReportOutcome.Outdated ? _outdated : _replayed).Add(report);
            }

            return decision;
        }

        public void Take(Dictionary<string, LockDocument> locks, DeviceReport report)
        {
            if (Judge(locks.GetValueOrDefault(report.DeviceId), report) is not { Lock: { } reported } decision)
            {
                return;
            }

            if (decision.Outcome is ReportOutcome.Changed or ReportOutcome.CameBack)
            {
                (decision.Outcome is ReportOutcome.Changed ? _changed : _cameBack).Add(report.DeviceId);
            }

            Store(locks, reported, decision.Entry);
        }

        public void Lose(Dictionary<string, LockDocument> locks, ConnectionLoss loss)
        {
            if (ReportRules.Lose(locks.GetValueOrDefault(loss.DeviceId), loss) is { } lost)
            {
                _wentAway.Add(loss.DeviceId);
                Store(locks, lost.Lock, lost.Entry);
            }
        }

        public DeviceBatchResult ToResult(IReadOnlyList<Command> decided) => new(_changed, _cameBack, _wentAway, decided, _outdated) { Replayed = _replayed };

        /// <summary>Whether the stored lock has that time of receipt, or of sending, already.</summary>
        private static bool Says(LockDocument stored, DeviceReport report) => report.BySignature
            ? stored.SentAt == report.SentAt
            : stored.LastSeen?.ToUnixTimeMilliseconds() == report.ReceivedAt.ToUnixTimeMilliseconds();

        private void Store(Dictionary<string, LockDocument> locks, ReportedLock after, NewAuditEntry? entry)
        {
            // The rule gives back what it was given, changed.
            var document = (LockDocument)after;
            locks[document.DeviceId] = document;
            Written.Add(document.DeviceId);
            if (entry is not null)
            {
                Entries.Add((entry, document.OwnershipId));
            }
        }
    }
}
