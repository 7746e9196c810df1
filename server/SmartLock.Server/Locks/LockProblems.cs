using Microsoft.AspNetCore.Http.HttpResults;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Locks;

/// <summary>Refusals that several of the locks' endpoints give.</summary>
internal static class LockProblems
{
    /// <summary>Missing and foreign alike.</summary>
    public static ProblemHttpResult NotFound() =>
        Problems.Of(StatusCodes.Status404NotFound, "lock_not_found", "There is no such lock, or it is not yours.");

    /// <summary>For somebody the lock is shared with, who knows of it.</summary>
    public static ProblemHttpResult OwnerOnly() =>
        Problems.Of(StatusCodes.Status403Forbidden, "owner_only", "This lock is shared with you; only its owner may do this.");

    public static ProblemHttpResult TooManyLocks() =>
        Problems.Of(StatusCodes.Status409Conflict, "too_many_locks", "You have as many locks as one account may have.");

    /// <summary>An answer with a key in it: no cache on the way may keep it.</summary>
    public static void KeepNowhere(HttpContext context) => context.Response.Headers.CacheControl = "no-store";
}
