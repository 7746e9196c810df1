using System.Diagnostics;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;

namespace SmartLock.Server.Infrastructure;

/// <summary>
/// Writes every problem document of this server, whoever found the problem: a handler, the framework or the exception handler.
/// Adds <c>traceId</c>, and a <c>code</c> where the finder gave none.
/// </summary>
internal sealed class ProblemWriter(IOptions<JsonOptions> json) : IProblemDetailsWriter
{
    /// <summary>Clients that ask for something else than JSON still get the document; there is no other form of it.</summary>
    public bool CanWrite(ProblemDetailsContext context) => true;

    public async ValueTask WriteAsync(ProblemDetailsContext context)
    {
        var problem = context.ProblemDetails is HttpValidationProblemDetails invalid
            ? Problems.Invalid(InvalidRequest.Errors(invalid)).ProblemDetails
            : context.ProblemDetails;
        var response = context.HttpContext.Response;
        var status = problem.Status ?? response.StatusCode;
        problem.Status = status;
        problem.Type = "about:blank";
        problem.Title = ReasonPhrases.GetReasonPhrase(status);
        problem.Extensions.TryAdd("code", DefaultCode(status));
        problem.Extensions["traceId"] = Activity.Current?.TraceId.ToHexString() ?? context.HttpContext.TraceIdentifier;
        response.StatusCode = status;
        response.ContentType = "application/problem+json";
        await JsonSerializer.SerializeAsync(
            response.Body, problem, json.Value.SerializerOptions, context.HttpContext.RequestAborted);
    }

    private static string DefaultCode(int status) => status switch
    {
        StatusCodes.Status400BadRequest => "invalid_request",
        StatusCodes.Status401Unauthorized => "unauthorized",
        StatusCodes.Status403Forbidden => "forbidden",
        StatusCodes.Status404NotFound => "not_found",
        StatusCodes.Status405MethodNotAllowed => "method_not_allowed",
        StatusCodes.Status413PayloadTooLarge => "body_too_large",
        StatusCodes.Status415UnsupportedMediaType => "unsupported_media_type",
        StatusCodes.Status429TooManyRequests => "too_many_requests",
        StatusCodes.Status503ServiceUnavailable => "unavailable",
        < 500 => "request_refused",
        _ => "internal_error",
    };
}
