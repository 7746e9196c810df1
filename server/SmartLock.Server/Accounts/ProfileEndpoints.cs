using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

internal sealed record MeResponse(string Username, Role Role, string? Email, DateTimeOffset CreatedAt, bool SecondFactor)
{
    public static MeResponse Of(User user) => new(user.Username, user.Role, user.Email, user.CreatedAt, user.HasSecondFactor);
}

/// <param name="Email">Null removes it.</param>
public sealed record ChangeMeRequest([property: Email] string? Email);

/// <param name="Code">Of the second factor, where there is one; or a recovery code.</param>
public sealed record ChangePasswordRequest(
    string CurrentPassword,
    [property: NewPassword] string NewPassword,
    bool RefreshInCookie = false,
    string? Code = null,
    string? RecoveryCode = null)
{
    public override string ToString() => "Change of a password";
}

public sealed record DeleteMeRequest(string Password, string? Code = null, string? RecoveryCode = null)
{
    public override string ToString() => "Deletion of an account";
}

/// <summary>What people do with their own account.</summary>
internal static class ProfileEndpoints
{
    public static void Map(RouteGroupBuilder me)
    {
        me.MapGet("", MeAsync)
            .WithName("me")
            .WithSummary("The account that the access token belongs to")
            .RequireRateLimiting(RateLimits.Reads);
        me.MapPatch("", ChangeAsync)
            .WithName("changeMe")
            .WithSummary("Change the e-mail address")
            .RequireRateLimiting(RateLimits.Commands);
        me.MapDelete("", DeleteAsync)
            .WithName("deleteMe")
            .WithSummary("Delete the account and its personal data; its name is never given to another account")
            .RequireRateLimiting(RateLimits.Commands)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status409Conflict);
        me.MapPost("/password", ChangePasswordAsync)
            .WithName("changePassword")
            .WithSummary("Change the password: ends all sessions and opens a new one, whose tokens are the answer")
            .RequireRateLimiting(RateLimits.Commands)
            .ProducesProblem(StatusCodes.Status403Forbidden);
    }

    private static async Task<Results<Ok<MeResponse>, ProblemHttpResult>> MeAsync(
        IUserStore users, ClaimsPrincipal user, CancellationToken ct) =>
        await users.FindAsync(user.Username(), ct) is { } found ? TypedResults.Ok(MeResponse.Of(found)) : UserProblems.Gone();

    private static async Task<Results<Ok<MeResponse>, ProblemHttpResult>> ChangeAsync(
        ChangeMeRequest request, IUserStore users, ClaimsPrincipal user, TimeProvider clock, CancellationToken ct)
    {
        return await users.ChangeEmailAsync(user.Username(), request.Email, clock.GetUtcNow(), ct) is { } changed
            ? TypedResults.Ok(MeResponse.Of(changed))
            : UserProblems.Gone();
    }

    private static async Task<Results<Ok<LoginResponse>, ProblemHttpResult>> ChangePasswordAsync(
        ChangePasswordRequest request,
        PasswordChange change,
        Sessions sessions,
        ClaimsPrincipal user,
        HttpContext context,
        CancellationToken ct)
    {
        if (AccountRules.CheckPassword(request.NewPassword, user.Username()) is { } fault)
        {
            return Problems.Invalid("new_password", fault);
        }

        if (request.NewPassword == request.CurrentPassword)
        {
            return Problems.Invalid("new_password", "is the current one");
        }

        var client = Client.Of(context);
        var proof = new Proof(user.Username(), request.CurrentPassword, request.Code, request.RecoveryCode);
        var result = await change.TryAsync(proof, request.NewPassword, client.Address, ct);
        if (result.User is not { } changed)
        {
            return SignInProblems.Of(result, context);
        }

        return await sessions.OpenAsync(changed, client, ct) is { } tokens
            ? TypedResults.Ok(LoginResponse.Of(tokens, changed.Username, changed.Role, request.RefreshInCookie, context))
            : SignInProblems.Refused();
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        [FromBody] DeleteMeRequest request,
        SignIn signIn,
        IUserStore users,
        Sessions sessions,
        TimeProvider clock,
        HttpContext context,
        CancellationToken ct)
    {
        var username = context.User.Username();
        var proof = new Proof(username, request.Password, request.Code, request.RecoveryCode, IsSignedIn: true);
        var result = await signIn.TryAsync(proof, ClientAddress.Of(context), ct);
        if (result.Outcome != SignInOutcome.SignedIn)
        {
            return SignInProblems.Of(result, context);
        }

        var outcome = await users.DeleteAsync(username, username, clock.GetUtcNow(), ct);
        if (outcome is DeleteUserOutcome.LastAdmin or DeleteUserOutcome.OwnsLocks)
        {
            return UserProblems.Of(outcome);
        }

        sessions.Forget(username);
        return TypedResults.NoContent();
    }
}
