using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;

namespace SmartLock.Server.Infrastructure;

/// <summary>Section <c>RateLimits</c>.</summary>
internal sealed class RateLimitOptions
{
    public RateLimit Auth { get; init; } = new() { PermitsPerMinute = 30 };

    public RateLimit Commands { get; init; } = new() { PermitsPerMinute = 60 };

    public RateLimit Reads { get; init; } = new() { PermitsPerMinute = 600 };

    /// <summary>All requests without a valid token, per address.</summary>
    public RateLimit Anonymous { get; init; } = new() { PermitsPerMinute = 600 };

    public static string? Check(RateLimitOptions options)
    {
        (string Name, RateLimit Limit)[] limits =
        [
            (nameof(Auth), options.Auth),
            (nameof(Commands), options.Commands),
            (nameof(Reads), options.Reads),
            (nameof(Anonymous), options.Anonymous),
        ];
        var wrong = limits.FirstOrDefault(l => l.Limit.PermitsPerMinute is < 1 or > RateLimit.Most);
        return wrong.Name is null
            ? null
            : $"RateLimits:{wrong.Name}:PermitsPerMinute must be between 1 and {RateLimit.Most}.";
    }
}

internal sealed class RateLimit
{
    public const int Most = 10_000_000;

    /// <summary>As many may come at once; they are given back evenly over a minute.</summary>
    public int PermitsPerMinute { get; init; }
}

/// <summary>The policies that endpoints name in <c>RequireRateLimiting</c>.</summary>
internal static class RateLimits
{
    /// <summary>Registering and signing in, per address.</summary>
    public const string Auth = "auth";

    /// <summary>What moves a bolt or writes, per account.</summary>
    public const string Commands = "commands";

    /// <summary>Everything else, per account.</summary>
    public const string Reads = "reads";

    /// <summary>Addresses are counted in so many cells, by hash, however many there are; accounts are as many as are registered.</summary>
    private const int AddressCells = 1 << 16;

    public static IServiceCollection AddRateLimits(this IServiceCollection services)
    {
        services.AddValidatedOptions<RateLimitOptions>("RateLimits", RateLimitOptions.Check);
        services.AddRateLimiter(_ => { });
        services.AddOptions<RateLimiterOptions>().Configure<IOptions<RateLimitOptions>>((limiter, options) => Configure(limiter, options.Value));
        return services;
    }

    private static void Configure(RateLimiterOptions limiter, RateLimitOptions options)
    {
        limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
        limiter.OnRejected = RejectAsync;
        limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(context =>
            context.User.Identity is { IsAuthenticated: true }
                ? OfAccount(context, options)
                : Bucket(AddressCell(context), options.Anonymous));
        limiter.AddPolicy(Auth, context => Bucket(AddressCell(context), options.Auth));
        limiter.AddPolicy(Commands, context => Bucket(AccountOrAddress(context), options.Commands));
        limiter.AddPolicy(Reads, context => Bucket(AccountOrAddress(context), options.Reads));
    }

    /// <summary>What names a policy of its own is counted there; what names none (health, the API's description) counts as a read.</summary>
    private static RateLimitPartition<string> OfAccount(HttpContext context, RateLimitOptions options) =>
        context.GetEndpoint()?.Metadata.GetMetadata<EnableRateLimitingAttribute>() is null
            ? Bucket(AccountOrAddress(context), options.Reads)
            : RateLimitPartition.GetNoLimiter("has a policy");

    private static async ValueTask RejectAsync(OnRejectedContext rejected, CancellationToken ct)
    {
        var context = rejected.HttpContext;
        var wait = rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var known) ? known : TimeSpan.FromSeconds(1);
        await Problems.TooManyRequests(context, wait, "Too many requests; wait before the next one.").ExecuteAsync(context);
    }

    private static RateLimitPartition<string> Bucket(string key, RateLimit limit) =>
        RateLimitPartition.GetTokenBucketLimiter(key, _ => BucketOf(limit));

    /// <summary>
    /// Whole tokens over a period cut to fit them, of a second or a little more where the limit has one for every second: a period of exactly a
    /// second would cut the limit down to a multiple of 60 a minute.
    /// </summary>
    internal static TokenBucketRateLimiterOptions BucketOf(RateLimit limit)
    {
        var tokens = (limit.PermitsPerMinute + 59) / 60;
        return new TokenBucketRateLimiterOptions
        {
            TokenLimit = limit.PermitsPerMinute,
            TokensPerPeriod = tokens,
            ReplenishmentPeriod = TimeSpan.FromMinutes(1) * tokens / limit.PermitsPerMinute,
        };
    }

    private static string AccountOrAddress(HttpContext context) =>
        context.User.Identity is { IsAuthenticated: true } ? $"account:{context.User.Username()}" : AddressCell(context);

    private static string AddressCell(HttpContext context)
    {
        // string.GetHashCode is keyed per process, so nobody can choose to share a cell with somebody else.
        var cell = (uint)ClientAddress.Of(context).GetHashCode(StringComparison.Ordinal) % AddressCells;
        return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"cell:{cell}");
    }
}
