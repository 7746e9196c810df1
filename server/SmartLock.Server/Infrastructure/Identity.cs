using System.Globalization;
using System.Security.Claims;

namespace SmartLock.Server.Infrastructure;

internal static class Identity
{
    public const string UsernameClaim = "sub";
    public const string RoleClaim = "role";

    /// <summary>The value of <see cref="RoleClaim"/> that opens <c>/api/admin</c>.</summary>
    public const string AdminRole = "Admin";

    public const string SessionClaim = "sid";
    public const string ExpiryClaim = "exp";

    /// <summary>The signed-in account's name as it was chosen. Only where authentication is required.</summary>
    public static string Username(this ClaimsPrincipal principal) =>
        principal.FindFirstValue(UsernameClaim)
        ?? throw new InvalidOperationException("The request has no signed-in account; the endpoint must require one.");

    /// <summary>When the access token of this request ends. Only where authentication is required.</summary>
    public static DateTimeOffset TokenExpiry(this ClaimsPrincipal principal) =>
        long.TryParse(principal.FindFirstValue(ExpiryClaim), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : throw new InvalidOperationException("The request's access token has no expiry; the endpoint must require a token.");

    /// <summary>The session that the request's token belongs to. Only where authentication is required.</summary>
    public static string SessionId(this ClaimsPrincipal principal) =>
        principal.FindFirstValue(SessionClaim)
        ?? throw new InvalidOperationException("The request has no session; the endpoint must require one.");
}
