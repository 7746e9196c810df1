using Microsoft.AspNetCore.Http.HttpResults;
using SmartLock.Server.Accounts;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Original;

/// <summary>Registering and logging in under the first system's names. Its passwords were plain text and as short as one liked; here this one's rules hold.</summary>
internal static class OriginalAccounts
{
    private static readonly TimeSpan WhenBusy = TimeSpan.FromSeconds(1);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var auth = routes.MapGroup("/auth").AllowAnonymous().RequireRateLimiting(RateLimits.Auth);
        auth.MapPost("/register", (OriginalRegistration body, Registration registration, HttpContext context, CancellationToken ct) =>
                RegisterAsync(body.Username, body.Password, body.Email, registration, context, ct))
            .Deprecated("originalRegister", "Make an account", "POST /api/auth/register");
        auth.MapPost("/signup", (OriginalCredentials body, Registration registration, HttpContext context, CancellationToken ct) =>
                RegisterAsync(body.Username, body.Password, null, registration, context, ct))
            .Deprecated("originalSignup", "Make an account without an e-mail address", "POST /api/auth/register");
        auth.MapPost("/login", LoginAsync)
            .Deprecated("originalLogin", "Exchange name and password for an access token", "POST /api/auth/login")
            .ProducesProblem(StatusCodes.Status401Unauthorized)
            .ProducesProblem(StatusCodes.Status403Forbidden);
    }

    private static async Task<Results<Ok<OriginalMessage>, ProblemHttpResult>> RegisterAsync(
        string username, string password, string? email, Registration registration, HttpContext context, CancellationToken ct)
    {
        var errors = AccountRules.Check(username, password, email, Role.User);
        if (errors.Count > 0)
        {
            return Problems.Invalid(errors);
        }

        return await registration.RegisterAsync(username, password, email, Role.User, ct) switch
        {
            RegisterOutcome.Registered => TypedResults.Ok(new OriginalMessage($"{username} is registered.")),
            RegisterOutcome.NameTaken => Problems.Of(StatusCodes.Status400BadRequest, "username_taken", "Another account has this name."),
            RegisterOutcome.Busy => Busy(context),
        };
    }

    private static async Task<Results<Ok<OriginalToken>, ProblemHttpResult>> LoginAsync(
        OriginalCredentials body, SignIn signIn, AccessTokens tokens, HttpContext context, CancellationToken ct)
    {
        if (body.Username.Length > AccountRules.MaxUsernameLength || body.Password.Length > AccountRules.MaxPasswordLength)
        {
            return Refused();
        }

        var result = await signIn.TryAsync(body.Username, body.Password, ClientAddress.Of(context), ct);
        return result.Outcome switch
        {
            SignInOutcome.SignedIn => TypedResults.Ok(new OriginalToken(tokens.Issue(result.User!.Username))),
            SignInOutcome.Refused => Refused(),
            SignInOutcome.Disabled => Problems.Of(StatusCodes.Status403Forbidden, "account_disabled", "This account is disabled."),
            SignInOutcome.TooSoon => Problems.TooManyRequests(context, result.RetryAfter, "Too many failed attempts; wait before the next."),
            SignInOutcome.Busy => Busy(context),
        };
    }

    private static ProblemHttpResult Refused() =>
        Problems.Of(StatusCodes.Status401Unauthorized, "invalid_credentials", "The name or the password is wrong.");

    private static ProblemHttpResult Busy(HttpContext context) =>
        Problems.TooManyRequests(context, WhenBusy, "Too many people are signing in just now.");
}
