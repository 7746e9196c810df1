using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

/// <param name="RefreshToken">Left out by browsers, whose cookie holds it.</param>
public sealed record RefreshRequest(string? RefreshToken = null)
{
    public override string ToString() => "Refresh token";
}

/// <param name="UserAgent">What the client called itself when it signed in.</param>
/// <param name="Address">Where it signed in or refreshed last; of IPv6 the network.</param>
/// <param name="Current">Whether it is the session that asks.</param>
internal sealed record SessionResponse(
    string SessionId,
    DateTimeOffset CreatedAt,
    DateTimeOffset LastUsedAt,
    DateTimeOffset ExpiresAt,
    string? UserAgent,
    string Address,
    bool Current);

internal sealed record SessionListResponse(IReadOnlyList<SessionResponse> Items);

internal static class SessionEndpoints
{
    public static void MapAuth(RouteGroupBuilder auth)
    {
        auth.MapPost("/refresh", RefreshAsync)
            .WithName("refresh")
            .WithSummary("Exchange a refresh token, from the body or the cookie, for a new pair; a token used twice ends its session")
            .ProducesProblem(StatusCodes.Status401Unauthorized)
            .ProducesProblem(StatusCodes.Status403Forbidden);
        auth.MapPost("/logout", LogoutAsync)
            .WithName("logout")
            .WithSummary("End the session of the access token, or of the refresh token in the body or the cookie")
            .ProducesProblem(StatusCodes.Status401Unauthorized);
    }

    public static void MapMe(RouteGroupBuilder me)
    {
        me.MapGet("/sessions", ListAsync)
            .WithName("listSessions")
            .WithSummary("Where the account is signed in")
            .RequireRateLimiting(RateLimits.Reads);
        me.MapDelete("/sessions/{session_id}", EndAsync)
            .WithName("endSession")
            .WithSummary("Sign one session out")
            .RequireRateLimiting(RateLimits.Commands)
            .ProducesProblem(StatusCodes.Status404NotFound);
        me.MapDelete("/sessions", EndOthersAsync)
            .WithName("endOtherSessions")
            .WithSummary("Sign all other sessions out")
            .RequireRateLimiting(RateLimits.Commands);
    }

    private static async Task<Results<Ok<LoginResponse>, ProblemHttpResult>> RefreshAsync(
        RefreshRequest? request, Sessions sessions, HttpContext context, CancellationToken ct)
    {
        if (RefreshCookie.IsTwofold(context))
        {
            return TwoCookies();
        }

        var inCookie = request?.RefreshToken is null;
        if ((request?.RefreshToken ?? RefreshCookie.Read(context)) is not { } token)
        {
            return InvalidToken();
        }

        var result = await sessions.RefreshAsync(token, Client.Of(context), ct);
        if (result is { Tokens: { } tokens, Account: { } account })
        {
            return TypedResults.Ok(LoginResponse.Of(tokens, account.Username, account.Role, inCookie, context));
        }

        if (inCookie)
        {
            RefreshCookie.Delete(context);
        }

        return result.Outcome == RotateOutcome.Disabled ? SignInProblems.Disabled() : InvalidToken();
    }

    /// <summary>Signing out what is signed out already succeeds: the client wants it gone.</summary>
    private static async Task<Results<NoContent, ProblemHttpResult>> LogoutAsync(
        RefreshRequest? request, Sessions sessions, ClaimsPrincipal user, HttpContext context, CancellationToken ct)
    {
        if (RefreshCookie.IsTwofold(context))
        {
            return TwoCookies();
        }

        string[] tokens = [.. new[] { request?.RefreshToken, RefreshCookie.Read(context) }.OfType<string>()];
        var isSignedIn = user.Identity is { IsAuthenticated: true };
        if (tokens.Length == 0 && !isSignedIn)
        {
            return Problems.Of(StatusCodes.Status401Unauthorized, "unauthorized", "Send the access token or a refresh token.");
        }

        foreach (var token in tokens)
        {
            await sessions.EndByTokenAsync(token, ct);
        }

        if (isSignedIn)
        {
            await sessions.EndAsync(user.Username(), user.SessionId(), ct);
        }

        RefreshCookie.Delete(context);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<SessionListResponse>> ListAsync(Sessions sessions, ClaimsPrincipal user, CancellationToken ct)
    {
        var current = user.SessionId();
        var found = await sessions.ListAsync(user.Username(), ct);
        return TypedResults.Ok(new SessionListResponse(
        [
            .. found.Select(s => new SessionResponse(
                s.Id, s.CreatedAt, s.LastUsedAt, s.ExpiresAt, s.UserAgent, s.Address, s.Id == current)),
        ]));
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> EndAsync(
        [Microsoft.AspNetCore.Mvc.FromRoute(Name = "session_id")] string sessionId,
        Sessions sessions,
        ClaimsPrincipal user,
        CancellationToken ct)
    {
        if (!Ids.IsUlid(sessionId) || await sessions.EndAsync(user.Username(), sessionId, ct) == EndSessionOutcome.NotFound)
        {
            return Problems.Of(StatusCodes.Status404NotFound, "session_not_found", "The account has no such session.");
        }

        return TypedResults.NoContent();
    }

    private static async Task<NoContent> EndOthersAsync(Sessions sessions, ClaimsPrincipal user, CancellationToken ct)
    {
        await sessions.EndOthersAsync(user.Username(), user.SessionId(), ct);
        return TypedResults.NoContent();
    }

    private static ProblemHttpResult TwoCookies() => Problems.Invalid("cookie", "holds the refresh token twice: delete this site's cookies and sign in again");

    private static ProblemHttpResult InvalidToken() => Problems.Of(
        StatusCodes.Status401Unauthorized, "invalid_refresh_token", "The refresh token is unknown, expired or used: sign in again.");
}
