using Microsoft.AspNetCore.Http.HttpResults;

namespace SmartLock.Server.Infrastructure;

/// <summary>What a request for a page of a list may ask for.</summary>
internal static class PageRequest
{
    public const int DefaultLimit = 50;
    public const int MaxLimit = 100;

    public const string UnknownCursor = "is not a cursor that this list gave";

    /// <summary>Why the limit is refused, or null.</summary>
    public static string? CheckLimit(int? limit) => limit is null or (>= 1 and <= MaxLimit) ? null : $"must be between 1 and {MaxLimit}";

    /// <summary>Null when the page can be given.</summary>
    /// <param name="after">Where the page begins; null for the first.</param>
    public static ProblemHttpResult? Refuse(string? cursor, Cursor list, out string? after)
    {
        after = null;
        return cursor is null || list.TryDecode(cursor, out after) ? null : Problems.Invalid("cursor", UnknownCursor);
    }
}
