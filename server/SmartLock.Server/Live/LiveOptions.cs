namespace SmartLock.Server.Live;

/// <summary>Configuration section <c>Live</c>.</summary>
internal sealed class LiveOptions
{
    public const string Section = "Live";

    /// <summary>Event streams open at once, of all accounts.</summary>
    public int MaxStreams { get; set; } = 10_000;

    public int MaxStreamsPerAccount { get; set; } = 10;

    public static string? Check(LiveOptions options)
    {
        if (options.MaxStreams is < 1 or > 1_000_000)
        {
            return $"{Section}:MaxStreams must be between 1 and 1000000.";
        }

        return options.MaxStreamsPerAccount is >= 1 and <= 1_000 ? null : $"{Section}:MaxStreamsPerAccount must be between 1 and 1000.";
    }
}
