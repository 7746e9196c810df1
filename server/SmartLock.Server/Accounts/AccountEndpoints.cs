using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

internal sealed record RegisterRequest(string Username, string Password, string? Email = null)
{
    public override string ToString() => $"Register {Username}";
}

internal sealed record LoginRequest(string Username, string Password)
{
    public override string ToString() => $"Login {Username}";
}

internal sealed record AccountAnswer(string Username, Role Role);

/// <param name="ExpiresIn">Seconds.</param>
internal sealed record LoginAnswer(string AccessToken, string TokenType, int ExpiresIn, string Username, Role Role)
{
    public override string ToString() => $"Login of {Username}";
}

internal static class AccountEndpoints
{
    private static readonly TimeSpan WhenBusy = TimeSpan.FromSeconds(1);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var auth = routes.MapGroup("/api/auth").WithTags("Accounts").AllowAnonymous().RequireRateLimiting(RateLimits.Auth);
        auth.MapPost("/register", RegisterAsync)
            .WithName("register")
            .WithSummary("Make an account")
            .ProducesProblem(StatusCodes.Status409Conflict);
        auth.MapPost("/login", LoginAsync)
            .WithName("login")
            .WithSummary("Sign in: exchange name and password for an access token")
            .ProducesProblem(StatusCodes.Status401Unauthorized)
            .ProducesProblem(StatusCodes.Status403Forbidden);
        routes.MapGet("/api/me", Me)
            .WithName("me")
            .WithTags("Accounts")
            .WithSummary("The account that the access token belongs to")
            .RequireRateLimiting(RateLimits.Reads);
    }

    private static async Task<Results<Created<AccountAnswer>, ProblemHttpResult>> RegisterAsync(
        RegisterRequest request, Registration registration, HttpContext context, CancellationToken ct)
    {
        var errors = AccountRules.Check(request.Username, request.Password, request.Email, Role.User);
        if (errors.Count > 0)
        {
            return Problems.Invalid(errors);
        }

        return await registration.RegisterAsync(request.Username, request.Password, request.Email, Role.User, ct) switch
        {
            RegisterOutcome.Registered => TypedResults.Created("/api/me", new AccountAnswer(request.Username, Role.User)),
            RegisterOutcome.NameTaken => Problems.Of(
                StatusCodes.Status409Conflict, "username_taken", "Another account has this name."),
            RegisterOutcome.Busy => Busy(context),
        };
    }

    private static async Task<Results<Ok<LoginAnswer>, ProblemHttpResult>> LoginAsync(
        LoginRequest request, SignIn signIn, AccessTokens tokens, HttpContext context, CancellationToken ct)
    {
        // Longer ones cannot be an account's, and hashing them would cost the more the longer they are.
        if (request.Username.Length > AccountRules.MaxUsernameLength || request.Password.Length > AccountRules.MaxPasswordLength)
        {
            return Refused();
        }

        var result = await signIn.TryAsync(request.Username, request.Password, ClientAddress.Of(context), ct);
        return result.Outcome switch
        {
            SignInOutcome.SignedIn => Welcome(result.User!, tokens),
            SignInOutcome.Refused => Refused(),
            SignInOutcome.Disabled => Problems.Of(StatusCodes.Status403Forbidden, "account_disabled", "This account is disabled."),
            SignInOutcome.TooSoon => Problems.TooManyRequests(context, result.RetryAfter, "Too many failed attempts; wait before the next."),
            SignInOutcome.Busy => Busy(context),
        };
    }

    private static Ok<AccountAnswer> Me(ClaimsPrincipal user) =>
        TypedResults.Ok(new AccountAnswer(user.Username(), user.IsInRole(nameof(Role.Admin)) ? Role.Admin : Role.User));

    private static Ok<LoginAnswer> Welcome(User user, AccessTokens tokens) => TypedResults.Ok(new LoginAnswer(
        tokens.Issue(user.Username), "Bearer", (int)tokens.Lifetime.TotalSeconds, user.Username, user.Role));

    private static ProblemHttpResult Refused() =>
        Problems.Of(StatusCodes.Status401Unauthorized, "invalid_credentials", "The name or the password is wrong.");

    private static ProblemHttpResult Busy(HttpContext context) =>
        Problems.TooManyRequests(context, WhenBusy, "Too many people are signing in just now.");
}
