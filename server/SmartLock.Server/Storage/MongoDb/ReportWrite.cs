using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

internal enum ReportKind
{
    /// <summary>The lock is gone, or has another key.</summary>
    Outdated,

    /// <summary>A later report is stored.</summary>
    Overtaken,

    /// <summary>It counts for its signature alone, and one sent then or later is stored.</summary>
    Replayed,

    /// <summary>By signature, and heard before the loss of its connection: where the bolt was, but no sign of life.</summary>
    Late,

    /// <summary>It says of an Available lock what the last one said.</summary>
    Confirms,

    /// <summary>Another status or issue of an Available lock.</summary>
    Changes,

    /// <summary>The lock was Unavailable.</summary>
    Revives,
}

/// <summary>A report, judged by its lock as it was read, and the write that holds only while the lock is as that.</summary>
internal sealed class ReportWrite
{
    /// <summary>
    /// A last_seen further ahead than two replicas' clocks differ was written before this machine's clock was set back: held to it, no report
    /// would count until that time comes.
    /// </summary>
    private const long ClocksDifferMs = 5_000;

    private readonly BsonDocument? _lock;

    private ReportWrite(DeviceReport report, BsonDocument? storedLock, ReportKind kind)
    {
        Report = report;
        _lock = storedLock;
        Kind = kind;
    }

    public DeviceReport Report { get; }

    public ReportKind Kind { get; }

    public string Tenure => _lock![LockFields.Tenure].AsString;

    /// <summary>Whether the lock says already that it was heard, or sent, then.</summary>
    public bool IsStored => Report.BySignature
        ? _lock!.Int64OrNull(LockFields.SentAt) == Report.SentAt
        : _lock!.Int64OrNull(LockFields.LastSeen) == HeardAt;

    /// <summary>Two replicas' clocks differ: what the device sent later may have been heard earlier.</summary>
    private long LastSeen => Report.BySignature && IsAhead(_lock!, HeardAt) ? _lock![LockFields.LastSeen].ToInt64() : HeardAt;

    private long HeardAt => Report.HeardAt.ToUnixTimeMilliseconds();

    public static ReportWrite Judge(DeviceReport report, BsonDocument? storedLock)
    {
        return new ReportWrite(report, storedLock, KindOf());

        ReportKind KindOf()
        {
            if (storedLock is null || storedLock[LockFields.KeyFrom].ToInt64() != report.KeyFrom)
            {
                return ReportKind.Outdated;
            }

            if (report.BySignature)
            {
                if (report.SentAt <= (storedLock.Int64OrNull(LockFields.SentAt) ?? 0))
                {
                    return ReportKind.Replayed;
                }
            }
            else if (IsAhead(storedLock, report.HeardAt.ToUnixTimeMilliseconds()))
            {
                return ReportKind.Overtaken;
            }

            if (storedLock[LockFields.State].AsString != nameof(LockState.Available))
            {
                return report.BySignature && IsOfLostConnection(report, storedLock) ? ReportKind.Late : ReportKind.Revives;
            }

            var isSame = storedLock[LockFields.Status].AsString == report.Status.ToString() && storedLock.TextOrNull(LockFields.Issue) == report.Issue;
            return isSame ? ReportKind.Confirms : ReportKind.Changes;
        }
    }

    /// <summary>Whether the lock was heard later, as far as two replicas' clocks differ.</summary>
    private static bool IsAhead(BsonDocument storedLock, long heardAt) =>
        storedLock.Int64OrNull(LockFields.LastSeen) is { } lastSeen && lastSeen > heardAt && lastSeen <= heardAt + ClocksDifferMs;

    /// <summary>A device does not speak again over a connection whose will was published, so for that one a replica's clock may be ahead.</summary>
    private static bool IsOfLostConnection(DeviceReport report, BsonDocument storedLock)
    {
        if (storedLock.Int64OrNull(LockFields.LostAt) is not { } lostAt)
        {
            return false;
        }

        var isSame = report.ConnectedAt > 0 && storedLock.Int64OrNull(LockFields.ConnectedAt) == report.ConnectedAt;
        return lostAt + (isSame ? ClocksDifferMs : 0) >= report.HeardAt.ToUnixTimeMilliseconds();
    }

    /// <param name="entry">Of a lock that comes back.</param>
    public WriteModel<BsonDocument> ToWrite(string batch, OutboxEntry? entry)
    {
        var set = new BsonDocument
        {
            { LockFields.LastSeen, LastSeen },
            { LockFields.Rssi, Report.Rssi is { } rssi ? rssi : BsonNull.Value },
            { LockFields.BatteryMv, Report.BatteryMv is { } battery ? battery : BsonNull.Value },
            { LockFields.UptimeS, Report.UptimeS is { } uptime ? uptime : BsonNull.Value },
            { LockFields.ConnectedAt, Report.ConnectedAt, Report.ConnectedAt != 0 },
            { LockFields.OwnTopics, Report.OwnTopics is true, Report.OwnTopics is not null },
            { LockFields.Firmware, Report.Firmware, Report.Firmware is not null },
        };
        var update = new BsonDocument { { "$set", set }, { "$max", new BsonDocument(LockFields.SentAt, Report.SentAt) } };
        if (Kind is not ReportKind.Confirms)
        {
            set.Add(LockFields.Status, Report.Status.ToString());
            set.Add(LockFields.Batch, batch);
        }

        if (Kind is ReportKind.Changes or ReportKind.Revives)
        {
            set.Add(LockFields.Issue, Report.Issue is null ? BsonNull.Value : Report.Issue);
            set.Add(LockFields.State, nameof(LockState.Available));
        }

        if (entry is not null)
        {
            update.Add("$push", new BsonDocument(OutboxEntry.Field, entry.ToBson()));
        }

        return new UpdateOneModel<BsonDocument>(Guard(), update);
    }

    private BsonDocument Guard()
    {
        var guard = new BsonDocument
        {
            { "_id", Report.DeviceId },
            { LockFields.KeyFrom, Report.KeyFrom },
            { LockFields.State, _lock![LockFields.State] },
            { LockFields.Deleted, new BsonDocument("$ne", true) },
        };
        if (Report.BySignature)
        {
            guard.Add(LockFields.SentAt, new BsonDocument("$not", new BsonDocument("$gte", Report.SentAt)));
        }
        else
        {
            guard.Add("$or", new BsonArray
            {
                new BsonDocument(LockFields.LastSeen, BsonNull.Value),
                new BsonDocument(LockFields.LastSeen, new BsonDocument("$lte", HeardAt)),
                new BsonDocument(LockFields.LastSeen, new BsonDocument("$gt", HeardAt + ClocksDifferMs)),
            });
        }

        if (Kind is ReportKind.Revives)
        {
            guard.Add(LockFields.Tenure, _lock[LockFields.Tenure]);
        }
        else
        {
            guard.Add(LockFields.Status, _lock[LockFields.Status]);
            guard.Add(LockFields.Issue, _lock.GetValue(LockFields.Issue, BsonNull.Value));
        }

        return guard;
    }
}
