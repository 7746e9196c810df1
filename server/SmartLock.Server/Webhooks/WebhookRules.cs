using System.Net;
using System.Security.Cryptography;
using SmartLock.Server.Live;

namespace SmartLock.Server.Webhooks;

/// <summary>What a webhook must look like, and when an attempt is made again. Pure, but for the jitter.</summary>
internal static class WebhookRules
{
    public const int MaxUrlLength = 2_048;
    public const string UrlLengthRule = "is longer than 2048 characters";
    public const int MostPending = 1_000;

    /// <summary>Deliveries that are kept of a webhook, beside those that are pending: whoever makes many events fills no disk with them.</summary>
    public const int MostKept = 2_000;

    public const int MostAttempts = 10;
    public const int MostDeadInARow = 50;
    public const string Ping = "ping";

    public static readonly IReadOnlyList<string> Events = [LiveEventKinds.Lock, LiveEventKinds.Command];
    public static readonly TimeSpan GiveUpAfter = TimeSpan.FromDays(1);
    public static readonly TimeSpan LongestBackoff = TimeSpan.FromHours(6);

    /// <summary>No attempt is put off for so long, jitter included.</summary>
    public static readonly TimeSpan FarthestDue = TimeSpan.FromHours(12);
    private static readonly TimeSpan FirstBackoff = TimeSpan.FromSeconds(10);

    /// <summary>Why the URL is refused, or null. A name is looked up when it is called, not here: it may lead elsewhere by then.</summary>
    public static string? CheckUrl(string text, bool allowHttp, Func<IPAddress, bool> mayReach)
    {
        if (text.Length > MaxUrlLength)
        {
            return UrlLengthRule;
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Host.Length == 0 || text.Any(char.IsControl))
        {
            return "is not an absolute URL";
        }

        if (url.Scheme != Uri.UriSchemeHttps && !(allowHttp && url.Scheme == Uri.UriSchemeHttp))
        {
            return allowHttp ? "must begin with https:// or http://" : "must begin with https://";
        }

        if (url.UserInfo.Length > 0)
        {
            return "must not hold a user name or password";
        }

        return IPAddress.TryParse(url.DnsSafeHost, out var address) && !mayReach(address) ? "leads to an address that is not public" : null;
    }

    /// <summary>Why the list of events is refused, or null.</summary>
    public static string? CheckEvents(IReadOnlyList<string> events) =>
        events.Count > 0 && events.All(Events.Contains) && events.Distinct().Count() == events.Count
            ? null
            : $"must name some of {string.Join(", ", Events)}, each once";

    /// <summary>
    /// Ten seconds, then three times as long each time, six hours at most, give or take a fifth; longer when the receiver asks for it, within
    /// the six hours. Ten attempts take some fifteen hours.
    /// </summary>
    /// <param name="failures">Of the webhook, in a row, this one included.</param>
    public static TimeSpan Backoff(int failures, TimeSpan? retryAfter)
    {
        var plain = FirstBackoff * Math.Pow(3, Math.Clamp(failures - 1, 0, 10));
        var bounded = plain < LongestBackoff ? plain : LongestBackoff;
        var jittered = bounded * (RandomNumberGenerator.GetInt32(800, 1_201) / 1_000d);
        var asked = retryAfter < LongestBackoff ? retryAfter.Value : retryAfter is null ? TimeSpan.Zero : LongestBackoff;
        return jittered > asked ? jittered : asked;
    }

    /// <summary>What an attempt means for its delivery.</summary>
    /// <param name="status">Null when there was no answer.</param>
    public static AttemptEnd Judge(int? status, int attempts, DateTimeOffset now, DateTimeOffset giveUpAt) => status switch
    {
        >= 200 and < 300 => AttemptEnd.Delivered,
        StatusCodes.Status410Gone => AttemptEnd.Gone,

        // The others of the 400s come and go with a receiver's deployment and its settings.
        StatusCodes.Status400BadRequest or StatusCodes.Status413PayloadTooLarge or StatusCodes.Status422UnprocessableEntity => AttemptEnd.Rejected,
        _ => attempts >= MostAttempts || now >= giveUpAt ? AttemptEnd.GaveUp : AttemptEnd.Failed,
    };
}
