using System.Globalization;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Audit;

internal static class AuditCursor
{
    private static readonly Cursor List = new("logs");

    public static Page<AuditEntry> Page(List<AuditEntry> found, int limit) =>
        List.Page(found, limit, static entry => entry.Id.ToString(CultureInfo.InvariantCulture));

    public static bool TryDecode(string cursor, out long beforeId)
    {
        beforeId = 0;
        return List.TryDecode(cursor, out var position)
            && long.TryParse(position, NumberStyles.None, CultureInfo.InvariantCulture, out beforeId);
    }
}
