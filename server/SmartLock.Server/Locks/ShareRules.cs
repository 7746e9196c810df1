namespace SmartLock.Server.Locks;

/// <summary>What a share must look like. Pure.</summary>
internal static class ShareRules
{
    public const int MaxPerLock = 100;

    /// <summary>The members at fault with their messages; empty when the lock may be shared so.</summary>
    public static IReadOnlyDictionary<string, string[]> Check(DateTimeOffset? from, DateTimeOffset? until, DateTimeOffset now)
    {
        var errors = new Dictionary<string, string[]>();
        if (until <= now)
        {
            errors["until"] = ["must be in the future"];
        }
        else if (until <= from)
        {
            errors["until"] = ["must be after from"];
        }

        return errors;
    }

    /// <summary>Whole milliseconds, as the store keeps them, so that nothing ends before it begins.</summary>
    public static DateTimeOffset? Round(DateTimeOffset? time) =>
        time is { } given ? DateTimeOffset.FromUnixTimeMilliseconds(given.ToUnixTimeMilliseconds()) : null;
}
