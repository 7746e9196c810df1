using Microsoft.AspNetCore.Http.HttpResults;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

internal static class UserProblems
{
    public static ProblemHttpResult NotFound() =>
        Problems.Of(StatusCodes.Status404NotFound, "user_not_found", "There is no such account.");

    /// <summary>Deleted between the check of its token and what was asked for.</summary>
    public static ProblemHttpResult Gone() =>
        Problems.Of(StatusCodes.Status401Unauthorized, "unauthorized", "The account was deleted.");

    public static ProblemHttpResult LastAdmin() =>
        Problems.Of(StatusCodes.Status409Conflict, "last_admin", "This is the last admin: make another one first.");

    /// <summary>Why an account was not deleted.</summary>
    public static ProblemHttpResult Of(DeleteUserOutcome outcome) => outcome switch
    {
        DeleteUserOutcome.NotFound => NotFound(),
        DeleteUserOutcome.LastAdmin => LastAdmin(),
        DeleteUserOutcome.OwnsLocks => Problems.Of(
            StatusCodes.Status409Conflict, "owns_locks", "The account owns locks: remove them or assign them to another account first."),
        DeleteUserOutcome.Deleted => throw new ArgumentException("Nothing was refused.", nameof(outcome)),
    };
}
