using System.Globalization;

namespace SmartLock.Server.Commands;

/// <summary>What the headers of a command request mean. Pure.</summary>
internal static class CommandRules
{
    public const int MaxIdempotencyKeyLength = 255;

    /// <summary>How far a command may be dated ahead of a device's clock before the device refuses it: part of the device protocol, in milliseconds.</summary>
    public const long MaxAheadMs = 30_000;

    public static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The longest wait a client asked for with <c>Prefer: wait=SECONDS</c> (RFC 7240, section 4.3), cut to <see cref="MaxWait"/>; null when
    /// it did not ask, or for no time at all. A preference that cannot be understood is ignored, as the RFC has it (section 2).
    /// </summary>
    public static TimeSpan? WaitOf(IEnumerable<string?> preferHeaders)
    {
        foreach (var preference in preferHeaders.SelectMany(h => (h ?? "").Split(',')))
        {
            var value = ValueOfWait(preference);
            if (value is not null && int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
            {
                if (seconds == 0)
                {
                    return null;
                }

                return seconds < MaxWait.TotalSeconds ? TimeSpan.FromSeconds(seconds) : MaxWait;
            }
        }

        return null;
    }

    /// <summary>No command that is issued now expires later from now: the longest validity that can be set, issued as far ahead as goes.</summary>
    public static readonly TimeSpan FarthestExpiry = TimeSpan.FromMinutes(1) + TimeSpan.FromMilliseconds(MaxAheadMs + 5_000);

    /// <summary>
    /// Strictly greater than the last, which is what the device's replay check rests on; except when the last lies further ahead than a device
    /// accepts. Then it was dated by a clock that has been set back since, no device with a right clock took it, and going on from it
    /// would have every command refused until that time comes.
    /// </summary>
    /// <returns>Unix milliseconds.</returns>
    public static long NextIssuedAt(long nowUnixMs, long lastUnixMs) =>
        lastUnixMs > nowUnixMs + MaxAheadMs ? nowUnixMs : Math.Max(nowUnixMs, lastUnixMs + 1);

    /// <summary>What is wrong with an <c>Idempotency-Key</c>, or null: it must be 1 to 255 visible ASCII characters.</summary>
    public static string? CheckIdempotencyKey(string key)
    {
        if (key.Length is 0 or > MaxIdempotencyKeyLength)
        {
            return $"must have 1 to {MaxIdempotencyKeyLength} characters";
        }

        return key.All(c => c is >= '!' and <= '~') ? null : "must hold visible ASCII characters only";
    }

    private static string? ValueOfWait(string preference)
    {
        // A preference may carry parameters after a semicolon, and its value may stand in quotes.
        var parts = preference.Split(';')[0].Split('=', 2, StringSplitOptions.TrimEntries);
        return parts.Length == 2 && parts[0].Equals("wait", StringComparison.OrdinalIgnoreCase) ? parts[1].Trim('"') : null;
    }
}
