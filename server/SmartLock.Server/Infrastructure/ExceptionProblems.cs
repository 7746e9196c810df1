using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using JsonOptions = Microsoft.AspNetCore.Http.Json.JsonOptions;

namespace SmartLock.Server.Infrastructure;

/// <summary>
/// The one place where exceptions become answers. A client that hung up does not come here: the exception handler middleware
/// has seen to that before.
/// </summary>
internal sealed partial class ExceptionProblems(IProblemDetailsService problems, IOptions<JsonOptions> json, ILogger<ExceptionProblems> logger) : IExceptionHandler
{
    private const int StoreRetrySeconds = 2;

    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        var problem = exception switch
        {
            BadHttpRequestException { StatusCode: StatusCodes.Status400BadRequest } e => Invalid(httpContext, e),
            BadHttpRequestException e => new ProblemDetails { Status = e.StatusCode },
            StoreUnavailableException e => StoreUnavailable(httpContext, e),
            _ => Unexpected(httpContext, exception),
        };
        httpContext.Response.StatusCode = problem.Status!.Value;
        return await problems.TryWriteAsync(new ProblemDetailsContext
        {
            HttpContext = httpContext,
            ProblemDetails = problem,
        });
    }

    private ProblemDetails Invalid(HttpContext context, BadHttpRequestException exception) =>
        Problems.Invalid(InvalidRequest.Errors(exception, ExpectedForms.Of(context, json.Value.SerializerOptions))).ProblemDetails;

    private ProblemDetails StoreUnavailable(HttpContext context, StoreUnavailableException exception)
    {
        LogStoreUnavailable(exception, context.Request.Method, context.GetEndpoint()?.DisplayName);
        Problems.SetRetryAfter(context, TimeSpan.FromSeconds(StoreRetrySeconds));
        return Problems.Of(
            StatusCodes.Status503ServiceUnavailable,
            "store_unavailable",
            "The data store cannot be reached just now; nothing was changed. Try again shortly.").ProblemDetails;
    }

    private ProblemDetails Unexpected(HttpContext context, Exception exception)
    {
        LogUnexpected(exception, context.Request.Method, context.GetEndpoint()?.DisplayName);
        return Problems.Of(
            StatusCodes.Status500InternalServerError,
            "internal_error",
            "The server could not answer this request; its log has the reason under the trace id.").ProblemDetails;
    }

    [LoggerMessage(1, LogLevel.Warning, "The store was unavailable for {Method} {Endpoint}")]
    private partial void LogStoreUnavailable(Exception exception, string method, string? endpoint);

    [LoggerMessage(2, LogLevel.Error, "Unexpected failure of {Method} {Endpoint}")]
    private partial void LogUnexpected(Exception exception, string method, string? endpoint);
}
