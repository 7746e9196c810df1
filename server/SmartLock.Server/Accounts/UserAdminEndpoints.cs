using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

internal sealed record UserResponse(string Username, string? Email, Role Role, bool Disabled, DateTimeOffset CreatedAt, bool SecondFactor)
{
    public static UserResponse Of(User user) =>
        new(user.Username, user.Email, user.Role, user.Disabled, user.CreatedAt, user.HasSecondFactor);
}

internal sealed record UserPageResponse(IReadOnlyList<UserResponse> Items, string? Next)
{
    public static UserPageResponse Of(Page<User> page) => new([.. page.Items.Select(UserResponse.Of)], page.Next);
}

public sealed record CreateUserRequest(
    [property: Username] string Username, [property: NewPassword] string Password, [property: Email] string? Email = null, Role Role = Role.User)
{
    public override string ToString() => $"Create {Username}";
}

/// <summary>What is left out stays as it is.</summary>
public sealed record ChangeUserRequest(bool? Disabled = null, Role? Role = null);

/// <param name="Search">Beginning of the name.</param>
public sealed record ListUsersQuery(
    [property: FromQuery(Name = "role")] string? Role,
    [property: FromQuery(Name = "disabled")] bool? Disabled,
    [property: FromQuery(Name = "search")] string? Search,
    [property: FromQuery(Name = "cursor")] string? Cursor,
    [property: FromQuery(Name = "limit"), PageLimit] int? Limit);

internal static class UserAdminEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var users = routes.MapAdmin().MapGroup("/users");
        users.MapGet("", ListAsync)
            .WithName("listUsers")
            .WithSummary("All accounts, by name")
            .RequireRateLimiting(RateLimits.Reads);
        users.MapPost("", CreateAsync)
            .WithName("createUser")
            .WithSummary("Make an account for somebody, who changes the password after the first sign-in")
            .RequireRateLimiting(RateLimits.Commands)
            .ProducesProblem(StatusCodes.Status409Conflict);
        var user = users.MapGroup("/{username}").ProducesProblem(StatusCodes.Status404NotFound);
        user.MapGet("", GetAsync)
            .WithName("getUser")
            .WithSummary("One account")
            .RequireRateLimiting(RateLimits.Reads);
        user.MapPatch("", ChangeAsync)
            .WithName("changeUser")
            .WithSummary("Disable or enable an account, or change its role; takes effect at once")
            .RequireRateLimiting(RateLimits.Commands)
            .ProducesProblem(StatusCodes.Status409Conflict);
        user.MapDelete("", DeleteAsync)
            .WithName("deleteUser")
            .WithSummary("Delete an account and its personal data; its name is never given to another account")
            .RequireRateLimiting(RateLimits.Commands)
            .ProducesProblem(StatusCodes.Status409Conflict);
        user.MapDelete("/second-factor", RemoveSecondFactorAsync)
            .WithName("removeUserSecondFactor")
            .WithSummary("Take the second factor off an account whose owner has lost it")
            .RequireRateLimiting(RateLimits.Commands)
            .ProducesProblem(StatusCodes.Status409Conflict);
    }

    private static async Task<Results<Created<UserResponse>, ProblemHttpResult>> CreateAsync(
        CreateUserRequest request,
        Registration registration,
        IUserStore users,
        ClaimsPrincipal admin,
        HttpContext context,
        CancellationToken ct)
    {
        var errors = AccountRules.Check(request.Username, request.Password, request.Email, request.Role);
        if (errors.Count > 0)
        {
            return Problems.Invalid(errors);
        }

        var outcome = await registration.RegisterAsync(request.Username, request.Password, request.Email, request.Role, admin.Username(), ct);
        if (outcome is RegisterOutcome.Busy)
        {
            return SignInProblems.Busy(context);
        }

        // Another admin may have deleted it in the same moment: then its name is taken too.
        return outcome is RegisterOutcome.Registered && await users.FindAsync(request.Username, ct) is { } made
            ? TypedResults.Created($"{context.Request.PathBase}/api/admin/users/{made.Username}", UserResponse.Of(made))
            : AccountEndpoints.NameTaken();
    }

    private static async Task<Results<Ok<UserPageResponse>, ProblemHttpResult>> ListAsync(
        [AsParameters] ListUsersQuery query, IUserStore users, CancellationToken ct)
    {
        if (PageRequest.Refuse(query.Cursor, UserCursor.Instance, out var after) is { } refusal)
        {
            return refusal;
        }

        if (!TryParseRole(query.Role, out var role))
        {
            return Problems.Invalid("role", "must be user or admin");
        }

        if (query.Search is { Length: > AccountRules.MaxUsernameLength })
        {
            return Problems.Invalid("search", $"must have at most {AccountRules.MaxUsernameLength} characters");
        }

        var filter = new UserFilter(role, query.Disabled, query.Search);
        return TypedResults.Ok(UserPageResponse.Of(await users.ListAsync(filter, after, query.Limit ?? PageRequest.DefaultLimit, ct)));
    }

    private static async Task<Results<Ok<UserResponse>, ProblemHttpResult>> GetAsync(
        string username, IUserStore users, CancellationToken ct) =>
        AccountRules.IsUsername(username) && await users.FindAsync(username, ct) is { } user
            ? TypedResults.Ok(UserResponse.Of(user))
            : UserProblems.NotFound();

    private static async Task<Results<Ok<UserResponse>, ProblemHttpResult>> ChangeAsync(
        string username,
        ChangeUserRequest request,
        IUserStore users,
        Sessions sessions,
        ClaimsPrincipal admin,
        TimeProvider clock,
        CancellationToken ct)
    {
        if (request is { Disabled: null, Role: null })
        {
            return Problems.Invalid("body", "must have disabled or role");
        }

        if (!AccountRules.IsUsername(username))
        {
            return UserProblems.NotFound();
        }

        var change = new UserChange(request.Disabled, request.Role);
        var result = await users.UpdateAsync(username, change, admin.Username(), clock.GetUtcNow(), ct);
        switch (result.Outcome)
        {
            case UpdateUserOutcome.NotFound:
                return UserProblems.NotFound();
            case UpdateUserOutcome.LastAdmin:
                return UserProblems.LastAdmin();
            default:
                // Whatever was changed: a connection opened as an admin must not outlive that.
                sessions.Forget(username);
                return TypedResults.Ok(UserResponse.Of(result.User!));
        }
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        string username, IUserStore users, Sessions sessions, ClaimsPrincipal admin, TimeProvider clock, CancellationToken ct)
    {
        if (!AccountRules.IsUsername(username))
        {
            return UserProblems.NotFound();
        }

        var outcome = await users.DeleteAsync(username, admin.Username(), clock.GetUtcNow(), ct);
        if (outcome != DeleteUserOutcome.Deleted)
        {
            return UserProblems.Of(outcome);
        }

        sessions.Forget(username);
        return TypedResults.NoContent();
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> RemoveSecondFactorAsync(
        string username, IUserStore users, SecondFactors secondFactors, ClaimsPrincipal admin, CancellationToken ct)
    {
        if (!AccountRules.IsUsername(username) || await users.FindAsync(username, ct) is null)
        {
            return UserProblems.NotFound();
        }

        return await secondFactors.RemoveAsync(username, admin.Username(), ct) == SecondFactorOutcome.Done
            ? TypedResults.NoContent()
            : SecondFactorEndpoints.NotEnabled();
    }

    private static bool TryParseRole(string? text, out Role? role)
    {
        role = text switch
        {
            "admin" => Role.Admin,
            "user" => Role.User,
            _ => null,
        };
        return text is null || role is not null;
    }
}
