using Microsoft.AspNetCore.Http.HttpResults;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

public sealed record RegisterRequest(
    [property: Username] string Username, [property: NewPassword] string Password, [property: Email] string? Email = null)
{
    public override string ToString() => $"Register {Username}";
}

/// <param name="Code">Of the second factor, where there is one; or a recovery code.</param>
/// <param name="RefreshInCookie">For browsers: the refresh token goes into an HttpOnly cookie.</param>
public sealed record LoginRequest(
    string Username, string Password, string? Code = null, string? RecoveryCode = null, bool RefreshInCookie = false)
{
    public override string ToString() => $"Login {Username}";
}

internal sealed record AccountResponse(string Username, Role Role);

/// <summary>How one comes to an account and into it, for people who are not signed in.</summary>
internal static class AccountEndpoints
{
    public static void Map(RouteGroupBuilder auth)
    {
        auth.MapPost("/register", RegisterAsync)
            .WithName("register")
            .WithSummary("Make an account")
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status409Conflict);
        auth.MapPost("/login", LoginAsync)
            .WithName("login")
            .WithSummary("Sign in: exchange name and password, and a code where there is a second factor, for an access and a refresh token")
            .ProducesProblem(StatusCodes.Status401Unauthorized)
            .ProducesProblem(StatusCodes.Status403Forbidden);
    }

    private static async Task<Results<Created<AccountResponse>, ProblemHttpResult>> RegisterAsync(
        RegisterRequest request, Registration registration, HttpContext context, CancellationToken ct)
    {
        var errors = AccountRules.Check(request.Username, request.Password, request.Email, Role.User);
        if (errors.Count > 0)
        {
            return Problems.Invalid(errors);
        }

        return await registration.SignUpAsync(request.Username, request.Password, request.Email, ClientAddress.Of(context), ct) switch
        {
            RegisterOutcome.Registered => TypedResults.Created("/api/me", new AccountResponse(request.Username, Role.User)),
            RegisterOutcome.NameTaken => NameTaken(),
            RegisterOutcome.Closed => RegistrationClosed(),
            RegisterOutcome.Busy => SignInProblems.Busy(context),
        };
    }

    public static ProblemHttpResult RegistrationClosed() =>
        Problems.Of(StatusCodes.Status403Forbidden, "registration_closed", "Accounts are made by this server's admins.");

    public static ProblemHttpResult NameTaken() =>
        Problems.Of(StatusCodes.Status409Conflict, "username_taken", "Another account has or had this name.");

    private static async Task<Results<Ok<LoginResponse>, ProblemHttpResult>> LoginAsync(
        LoginRequest request, SignIn signIn, Sessions sessions, HttpContext context, CancellationToken ct)
    {
        var client = Client.Of(context);
        var proof = new Proof(request.Username, request.Password, request.Code, request.RecoveryCode);
        var result = await signIn.TryAsync(proof, client.Address, ct);
        if (result.User is not { } user)
        {
            return SignInProblems.Of(result, context);
        }

        return await sessions.OpenAsync(user, client, ct) is { } tokens
            ? TypedResults.Ok(LoginResponse.Of(tokens, user.Username, user.Role, request.RefreshInCookie, context))
            : SignInProblems.Refused();
    }
}
