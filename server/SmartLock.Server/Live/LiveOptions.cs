namespace SmartLock.Server.Live;

/// <summary>Configuration section <c>Live</c>.</summary>
internal sealed class LiveOptions
{
    public const string Section = "Live";

    public const int MostByDefault = 10_000;

    /// <summary>Event streams open at once, of all accounts; null for as many as leave half of the HTTP connections free.</summary>
    public int? MaxStreams { get; set; }

    public int MaxStreamsPerAccount { get; set; } = 10;

    /// <summary>Of one network, however many accounts it has; see <see cref="Infrastructure.ClientAddress"/>.</summary>
    public int MaxStreamsPerNetwork { get; set; } = 100;

    public static string? Check(LiveOptions options)
    {
        if (options.MaxStreams is < 1 or > 1_000_000)
        {
            return $"{Section}:MaxStreams must be between 1 and 1000000.";
        }

        if (options.MaxStreamsPerNetwork is < 1 or > 1_000_000)
        {
            return $"{Section}:MaxStreamsPerNetwork must be between 1 and 1000000.";
        }

        return options.MaxStreamsPerAccount is >= 1 and <= 1_000 ? null : $"{Section}:MaxStreamsPerAccount must be between 1 and 1000.";
    }
}
