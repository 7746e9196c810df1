using System.Globalization;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Audit;

internal static class AuditCursor
{
    private static readonly Cursor List = new("logs");

    /// <param name="found">Up to one more than <paramref name="limit"/>.</param>
    /// <param name="lookedAt">Set when the search was broken off: the id of the last entry it looked at.</param>
    public static Page<AuditEntry> Page(List<AuditEntry> found, int limit, long? lookedAt)
    {
        var page = List.Page(found, limit, static entry => Position(entry.Id));
        return page.Next is null && lookedAt is { } id ? page with { Next = List.Encode(Position(id)) } : page;
    }

    public static bool TryDecode(string cursor, out long beforeId)
    {
        beforeId = 0;
        return List.TryDecode(cursor, out var position)
            && long.TryParse(position, NumberStyles.None, CultureInfo.InvariantCulture, out beforeId);
    }

    private static string Position(long id) => id.ToString(CultureInfo.InvariantCulture);
}
