using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;

namespace SmartLock.Server.Legacy;

/// <summary>Writes every refusal of the first system's routes, whoever found it, as its app reads it: <c>{"error": text}</c>.</summary>
internal sealed class LegacyErrors(IOptions<JsonOptions> json) : IProblemDetailsWriter
{
    /// <summary>The exception handler takes the endpoint away and keeps it in its feature.</summary>
    public bool CanWrite(ProblemDetailsContext context) =>
        (context.HttpContext.GetEndpoint() ?? context.HttpContext.Features.Get<IExceptionHandlerFeature>()?.Endpoint)
            ?.Metadata.GetMetadata<LegacyRoute>() is not null;

    public async ValueTask WriteAsync(ProblemDetailsContext context)
    {
        var problem = context.ProblemDetails;
        var response = context.HttpContext.Response;
        response.StatusCode = problem.Status ?? response.StatusCode;
        response.ContentType = "application/json";
        var text = problem.Extensions.TryGetValue("errors", out var errors) && errors is IReadOnlyDictionary<string, string[]> fields
            ? string.Join(' ', fields.Select(f => $"{f.Key} {f.Value[0]}."))
            : problem.Detail ?? Default(response.StatusCode);
        await JsonSerializer.SerializeAsync(
            response.Body, new LegacyError(text), json.Value.SerializerOptions, context.HttpContext.RequestAborted);
    }

    private static string Default(int status) => status switch
    {
        StatusCodes.Status401Unauthorized => "The access token is missing, wrong or expired: log in again.",
        StatusCodes.Status403Forbidden => "Only an admin may do this.",
        _ => $"{ReasonPhrases.GetReasonPhrase(status)}.",
    };
}
