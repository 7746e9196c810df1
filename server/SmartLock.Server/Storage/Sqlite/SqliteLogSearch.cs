using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>Gathers one page of entries that match a filter, and breaks off when it has looked at too many.</summary>
internal sealed class SqliteLogSearch(SqliteSession session, AuditFilter filter, int limit)
{
    private const int MostLookedAt = 20_000;
    private readonly string? _actor = filter.Actor is null ? null : SqliteLogNames.ToStored(session, filter.Actor);
    private readonly List<AuditEntry> _found = [];
    private int _lookedAt;
    private long? _brokenOffAt;

    /// <summary>The filter's actor as the log has it.</summary>
    public string? Actor => _actor;

    /// <returns>False when there is no need for more.</returns>
    public bool Offer(ChainedEntry entry)
    {
        if (Matches(entry))
        {
            _found.Add(SqliteLogNames.ToShown(session, entry));
        }

        if (_found.Count > limit)
        {
            return false;
        }

        if (++_lookedAt < MostLookedAt)
        {
            return true;
        }

        _brokenOffAt = entry.Id;
        return false;
    }

    public Page<AuditEntry> Page() => AuditCursor.Page(_found, limit, _brokenOffAt);

    private bool Matches(ChainedEntry entry) =>
        (filter.DeviceId is null || entry.DeviceId == filter.DeviceId)
        && (_actor is null || entry.Actor == _actor)
        && (filter.Action is null || entry.Action == filter.Action)
        && (filter.From is not { } from || entry.Time >= from.ToUnixTimeMilliseconds())
        && (filter.Until is not { } until || entry.Time < until.ToUnixTimeMilliseconds());
}
