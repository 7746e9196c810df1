using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;

namespace SmartLock.Server.Infrastructure;

/// <summary>RFC 9457 problem documents. <c>code</c> is stable and for programs; <c>detail</c> is for people and may change.</summary>
internal static class Problems
{
    public static ProblemHttpResult Of(int status, string code, string detail, params (string Name, object? Value)[] extensions)
    {
        var members = new Dictionary<string, object?> { ["code"] = code };
        foreach (var (name, value) in extensions)
        {
            members[name] = value;
        }

        return TypedResults.Problem(statusCode: status, detail: detail, extensions: members);
    }

    /// <summary>400 that names the one field at fault, as <c>errors: { field: [message] }</c>.</summary>
    public static ProblemHttpResult Invalid(string field, string message) =>
        Invalid(new Dictionary<string, string[]> { [field] = [message] });

    public static ProblemHttpResult Invalid(IReadOnlyDictionary<string, string[]> errors)
    {
        var (field, messages) = errors.First();
        return Of(StatusCodes.Status400BadRequest, "invalid_request", $"{field}: {messages[0]}", ("errors", errors));
    }

    /// <summary>429 with Retry-After.</summary>
    public static ProblemHttpResult TooManyRequests(HttpContext context, TimeSpan retryAfter, string detail)
    {
        SetRetryAfter(context, retryAfter);
        return Of(StatusCodes.Status429TooManyRequests, "too_many_requests", detail);
    }

    /// <summary>Whole seconds, rounded up: whoever waits as told is not refused again for the same reason.</summary>
    public static void SetRetryAfter(HttpContext context, TimeSpan wait) =>
        context.Response.Headers.RetryAfter =
            Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
}
