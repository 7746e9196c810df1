using System.Security.Claims;

namespace SmartLock.Server.Infrastructure;

internal static class Identity
{
    public const string UsernameClaim = "sub";
    public const string RoleClaim = "role";
    public const string SessionClaim = "sid";

    /// <summary>The signed-in account's name as it was chosen. Only where authentication is required.</summary>
    public static string Username(this ClaimsPrincipal principal) =>
        principal.FindFirstValue(UsernameClaim)
        ?? throw new InvalidOperationException("The request has no signed-in account; the endpoint must require one.");

    /// <summary>The session that the request's token belongs to. Only where authentication is required.</summary>
    public static string SessionId(this ClaimsPrincipal principal) =>
        principal.FindFirstValue(SessionClaim)
        ?? throw new InvalidOperationException("The request has no session; the endpoint must require one.");
}
