using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

/// <summary>One sign-in on one device, until it is ended or not refreshed for too long.</summary>
/// <param name="Id">ULID; in the access tokens as <c>sid</c>.</param>
/// <param name="UserAgent">What the client called itself; null when it said nothing fit to be shown.</param>
/// <param name="Address">Where it was last used from, as in <see cref="ClientAddress"/>.</param>
internal sealed record Session(
    string Id,
    DateTimeOffset CreatedAt,
    DateTimeOffset LastUsedAt,
    DateTimeOffset ExpiresAt,
    string? UserAgent,
    string Address);

/// <param name="TokenHash">Of its first refresh token.</param>
internal sealed record NewSession(
    string Id,
    byte[] TokenHash,
    DateTimeOffset CreatedAt,
    DateTimeOffset ExpiresAt,
    string? UserAgent,
    string Address);

/// <summary>Whose session it is, as the account stands now.</summary>
internal sealed record SessionAccount(string SessionId, string Username, Role Role);

/// <param name="Username">In whatever case.</param>
internal sealed record EndedSession(string Username, string SessionId);

/// <summary>What a session is remembered by when its owner looks at the list.</summary>
internal sealed record Client(string? UserAgent, string Address)
{
    private const int MaxUserAgentLength = 120;

    public static Client Of(HttpContext context)
    {
        var userAgent = context.Request.Headers.UserAgent.ToString();
        userAgent = userAgent.Length <= MaxUserAgentLength ? userAgent : userAgent[..MaxUserAgentLength];
        return new Client(TextRules.Check(userAgent, MaxUserAgentLength) is null ? userAgent : null, ClientAddress.Of(context));
    }
}
