using Microsoft.AspNetCore.Http.HttpResults;
using SmartLock.Server.Accounts;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Legacy;

/// <summary>Registering and logging in under the first system's names. Its passwords were plain text and as short as one liked; here this one's rules hold.</summary>
internal static class LegacyAccounts
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var auth = routes.MapGroup("/auth").AllowAnonymous().RequireRateLimiting(RateLimits.Auth);
        auth.MapPost("/register", (LegacyRegistration body, Registration registration, HttpContext context, CancellationToken ct) =>
                RegisterAsync(body.Username, body.Password, body.Email, registration, context, ct))
            .Deprecated("originalRegister", "Make an account", "POST /api/auth/register");
        auth.MapPost("/signup", (LegacyCredentials body, Registration registration, HttpContext context, CancellationToken ct) =>
                RegisterAsync(body.Username, body.Password, null, registration, context, ct))
            .Deprecated("originalSignup", "Make an account without an e-mail address", "POST /api/auth/register");
        auth.MapPost("/login", LoginAsync)
            .Deprecated("originalLogin", "Exchange name and password for an access token", "POST /api/auth/login")
            .ProducesProblem(StatusCodes.Status401Unauthorized)
            .ProducesProblem(StatusCodes.Status403Forbidden);
    }

    private static async Task<Results<Ok<LegacyMessage>, ProblemHttpResult>> RegisterAsync(
        string username, string password, string? email, Registration registration, HttpContext context, CancellationToken ct)
    {
        var errors = AccountRules.Check(username, password, email, Role.User);
        if (errors.Count > 0)
        {
            return Problems.Invalid(errors);
        }

        return await registration.SignUpAsync(username, password, email, ClientAddress.Of(context), ct) switch
        {
            RegisterOutcome.Registered => TypedResults.Ok(new LegacyMessage($"{username} is registered.")),
            RegisterOutcome.NameTaken => Problems.Of(StatusCodes.Status400BadRequest, "username_taken", "Another account has this name."),
            RegisterOutcome.Closed => AccountEndpoints.RegistrationClosed(),
            RegisterOutcome.Busy => SignInProblems.Busy(context),
        };
    }

    private static async Task<Results<Ok<LegacyToken>, ProblemHttpResult>> LoginAsync(
        LegacyCredentials body, SignIn signIn, Sessions sessions, HttpContext context, CancellationToken ct)
    {
        var client = Client.Of(context);
        var result = await signIn.TryAsync(new Proof(body.Username, body.Password), client.Address, ct);
        if (result.User is not { } user)
        {
            return SignInProblems.Of(result, context);
        }

        // Its apps know no refresh token: they sign in again when the access token has run out.
        return await sessions.OpenBriefAsync(user, client, ct) is { } token
            ? TypedResults.Ok(new LegacyToken(token))
            : SignInProblems.Refused();
    }
}
