using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.HttpResults;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

internal static class SignInProblems
{
    private static readonly TimeSpan WhenBusy = TimeSpan.FromSeconds(1);

    /// <summary>
    /// What is said to who is not <see cref="SignInOutcome.SignedIn"/>. At sign-in 401; 403 where the request has a good access token, since
    /// to a client 401 means that it must refresh that one.
    /// </summary>
    public static ProblemHttpResult Of(SignInResult result, HttpContext context)
    {
        var status = context.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is null
            ? StatusCodes.Status403Forbidden
            : StatusCodes.Status401Unauthorized;
        return result.Outcome switch
        {
            SignInOutcome.Refused => Refused(status),
            SignInOutcome.Disabled => Disabled(),
            SignInOutcome.SecondFactorRequired => Problems.Of(
                status, "second_factor_required", "This account has a second factor: send code or recovery_code as well."),
            SignInOutcome.SecondFactorWrong => Problems.Of(
                status, "invalid_second_factor", "The code is wrong, or was used before."),
            SignInOutcome.TooSoon => Problems.TooManyRequests(
                context, result.RetryAfter, "Too many failed attempts; wait before the next."),
            SignInOutcome.Busy => Busy(context),
            SignInOutcome.SignedIn => throw new ArgumentException("Nothing was refused.", nameof(result)),
        };
    }

    public static ProblemHttpResult Refused(int status = StatusCodes.Status401Unauthorized) =>
        Problems.Of(status, "invalid_credentials", "The name or the password is wrong.");

    public static ProblemHttpResult Disabled() =>
        Problems.Of(StatusCodes.Status403Forbidden, "account_disabled", "This account is disabled.");

    public static ProblemHttpResult Busy(HttpContext context) =>
        Problems.TooManyRequests(context, WhenBusy, "Too many people are signing in just now.");
}
