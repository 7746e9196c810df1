using Microsoft.AspNetCore.Http.HttpResults;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

public sealed record FirstAdminRequest(string Token, [property: Username] string Username, [property: NewPassword] string Password)
{
    public override string ToString() => $"First admin {Username}";
}

/// <summary>How the first admin is made: the page that the first start prints a link to, and what the page sends.</summary>
internal static class FirstAdminEndpoints
{
    public static void Map(IEndpointRouteBuilder routes, RouteGroupBuilder auth)
    {
        auth.MapPost("/first-admin", MakeAsync)
            .WithName("makeFirstAdmin")
            .WithSummary("Make the first admin with the token that the first start prints")
            .ProducesProblem(StatusCodes.Status401Unauthorized)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status410Gone);
        routes.MapGet("/setup", PageAsync)
            .AllowAnonymous()
            .RequireRateLimiting(RateLimits.Auth)
            .ExcludeFromDescription();
    }

    private static async Task<Results<Created<AccountResponse>, ProblemHttpResult>> MakeAsync(
        FirstAdminRequest request, FirstAdminSetup setup, Registration registration, HttpContext context, CancellationToken ct)
    {
        if (!setup.IsOpen)
        {
            return Over();
        }

        if (!setup.Accepts(request.Token))
        {
            return Problems.Of(
                StatusCodes.Status401Unauthorized, "invalid_setup_token", "The token is not that of the server's last start.");
        }

        var errors = AccountRules.Check(request.Username, request.Password, null, Role.Admin);
        if (errors.Count > 0)
        {
            return Problems.Invalid(errors);
        }

        switch (await registration.RegisterFirstAdminAsync(request.Username, request.Password, ct))
        {
            case null:
                return SignInProblems.Busy(context);
            case FirstAdminOutcome.NameTaken:
                return AccountEndpoints.NameTaken();
            case FirstAdminOutcome.AdminExists:
                setup.Close();
                return Over();
            default:
                setup.Close();
                return TypedResults.Created("/api/me", new AccountResponse(request.Username, Role.Admin));
        }
    }

    /// <summary>Nobody is told by this page whether there is an admin who could not as well see it from the API.</summary>
    private static async Task<ContentHttpResult> PageAsync(
        FirstAdminSetup setup, IUserStore users, HttpContext context, CancellationToken ct)
    {
        var isOpen = setup.IsOpen && !await users.AnyAdminAsync(ct);
        context.Response.Headers.ContentSecurityPolicy = SetupPage.Policy;
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Text(
            isOpen ? SetupPage.Form : SetupPage.Over,
            "text/html; charset=utf-8",
            statusCode: isOpen ? StatusCodes.Status200OK : StatusCodes.Status410Gone);
    }

    private static ProblemHttpResult Over() => Problems.Of(
        StatusCodes.Status410Gone, "setup_over", "There is an admin already, or the link is older than a day: restart the server for another.");
}
