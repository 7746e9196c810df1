using Microsoft.AspNetCore.Routing.Matching;
using Microsoft.OpenApi;

namespace SmartLock.Server.Legacy;

internal static class LegacyRouting
{
    /// <summary>Described as deprecated, with the error form of these routes.</summary>
    public static RouteHandlerBuilder Deprecated(this RouteHandlerBuilder route, string name, string summary, string instead) => route
        .WithName(name)
        .WithTags("Original")
        .WithSummary(summary)
        .WithDescription($"For the first SmartLock system's app; new clients use {instead}.")
        .AddOpenApiOperationTransformer(async (operation, context, ct) =>
        {
            operation.Deprecated = true;
            var error = await context.GetOrCreateSchemaAsync(typeof(LegacyError), null, ct);
            foreach (var (status, response) in operation.Responses ?? [])
            {
                if (status[0] != '2')
                {
                    response.Content?.Clear();
                    response.Content?.Add("application/json", new OpenApiMediaType { Schema = error });
                }
            }
        });
}

/// <summary>Marks a route that takes the lock's id from the query.</summary>
internal sealed class QueryCommand
{
    public static readonly QueryCommand Instance = new();
}

/// <summary>
/// The first system's commands have the paths of this one's, with the lock in the query in place of a body. Where both routes match, that
/// decides.
/// </summary>
internal sealed class QueryCommandPolicy : MatcherPolicy, IEndpointSelectorPolicy
{
    private static readonly Endpoint UnsupportedMediaType = new(
        context =>
        {
            context.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return Task.CompletedTask;
        },
        EndpointMetadataCollection.Empty,
        "415 HTTP Unsupported Media Type");

    /// <summary>After the framework's own policies, which look at methods and media types.</summary>
    public override int Order => 1_000;

    public bool AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints) => endpoints.Any(IsQueryCommand);

    public Task ApplyAsync(HttpContext httpContext, CandidateSet candidates)
    {
        var valid = Enumerable.Range(0, candidates.Count).Where(candidates.IsValidCandidate).ToList();
        var isInQuery = httpContext.Request.Query.ContainsKey("device_id");
        var kinds = valid.Select(i => IsQueryCommand(candidates[i].Endpoint)).Distinct().ToList();
        if (kinds is [true] && !isInQuery)
        {
            // The one with a body fell out for the body's media type, which must be said; the framework does when nothing is left.
            httpContext.SetEndpoint(UnsupportedMediaType);
        }

        if (kinds.Count < 2)
        {
            return Task.CompletedTask;
        }

        var isQueryCommand = isInQuery
            && httpContext.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestBodyDetectionFeature>() is not { CanHaveBody: true };
        foreach (var i in valid.Where(i => IsQueryCommand(candidates[i].Endpoint) != isQueryCommand))
        {
            candidates.SetValidity(i, false);
        }

        return Task.CompletedTask;
    }

    private static bool IsQueryCommand(Endpoint endpoint) => endpoint.Metadata.GetMetadata<QueryCommand>() is not null;
}
