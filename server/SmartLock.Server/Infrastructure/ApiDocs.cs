using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace SmartLock.Server.Infrastructure;

/// <summary>The OpenAPI document at <c>/openapi/v1.json</c> and Swagger UI at <c>/docs</c>.</summary>
internal static class ApiDocs
{
    public const string UiPath = "/docs";

    private const string DocumentPath = "/openapi/v1.json";
    private const string Bearer = "bearer";

    private static readonly Dictionary<string, string> TagDescriptions = new(StringComparer.Ordinal)
    {
        ["Accounts"] = "Registering, signing in, and what belongs to one's own account",
        ["Admin"] = "For those who administer the server; 403 for everybody else",
        ["Audit"] = "The log of what was done to your locks, and by whom",
        ["Commands"] = "LOCK and UNLOCK, and how they ended",
        ["Events"] = "What happens, as it happens",
        ["Locks"] = "Your locks and those shared with you",
        ["Original"] = "The first SmartLock system's routes, while its app is moved over",
        ["Shares"] = "Who a lock of yours is shared with",
        ["Webhooks"] = "What happens, posted to a URL of yours",
    };

    public static IServiceCollection AddApiDocs(this IServiceCollection services)
    {
        services.AddOutputCache();
        return services.AddOpenApi("v1", options =>
        {
            options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
            options.AddDocumentTransformer(DescribeApi);
            options.AddOperationTransformer(DescribeRefusals);
            options.AddSchemaTransformer(DescribeProblem);
            options.AddSchemaTransformer(DescribeTime);
            options.AddSchemaTransformer(DescribeEnum);
        });
    }

    /// <summary>In a branch of its own: it looks at every path with regular expressions.</summary>
    public static void UseApiDocs(this IApplicationBuilder app) => app.UseWhen(
        context => context.Request.Path.StartsWithSegments(UiPath),
        docs => docs.UseSwaggerUI(ui =>
        {
            ui.RoutePrefix = UiPath.TrimStart('/');
            ui.DocumentTitle = "SmartLock API";
            ui.SwaggerEndpoint(DocumentPath, "SmartLock");
        }));

    public static void MapApiDocs(this IEndpointRouteBuilder routes) =>
        // One answer for all: with a copy for each query or host that somebody makes up, anybody could fill the cache.
        routes.MapOpenApi("/openapi/{documentName}.json").AllowAnonymous().CacheOutput(cache => cache.SetVaryByQuery([]).SetVaryByHost(false));

    private static Task DescribeApi(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken ct)
    {
        document.Info = new OpenApiInfo
        {
            Title = "SmartLock",
            Version = "v1",
            Description = "Door locks, their commands and their log. Errors are RFC 9457 problem documents with a stable `code`.",
            License = new OpenApiLicense { Name = "MIT", Identifier = "MIT" },
        };

        // The address the reader came by is the right one; the one that was bound may be a proxy's business.
        document.Servers = [new OpenApiServer { Url = "/" }];
        foreach (var tag in document.Tags ?? new HashSet<OpenApiTag>())
        {
            tag.Description = TagDescriptions.GetValueOrDefault(tag.Name ?? "");
        }

        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [Bearer] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                BearerFormat = "JWT",
                Description = "The access_token of POST /api/auth/login.",
            },
        };
        return Task.CompletedTask;
    }

    /// <summary>The refusals that the server's plumbing gives for every endpoint; endpoints declare only their own.</summary>
    private static async Task DescribeRefusals(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken ct)
    {
        var schema = await context.GetOrCreateSchemaAsync(typeof(ProblemDetails), null, ct);
        context.Document!.AddComponent("ProblemDetails", schema);
        var hasBody = operation.RequestBody is not null;
        var isAnonymous = context.Description.ActionDescriptor.EndpointMetadata.OfType<IAllowAnonymous>().Any();
        operation.Security = isAnonymous ? [] : [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Bearer, context.Document)] = [] }];

        (bool Applies, string Status, string Why)[] refusals =
        [
            (hasBody || operation.Parameters?.Any(p => p.In is not ParameterLocation.Path) is true, "400", "invalid_request: `errors` names each member at fault"),
            (!isAnonymous, "401", "unauthorized: no valid access token"),
            (hasBody, "413", "body_too_large"),
            (hasBody, "415", "unsupported_media_type"),
            (true, "429", "too_many_requests: see Retry-After"),
            (true, "503", "store_unavailable: see Retry-After"),
        ];
        operation.Responses ??= [];
        foreach (var (_, status, why) in refusals.Where(r => r.Applies))
        {
            operation.Responses.TryAdd(status, new OpenApiResponse
            {
                Description = why,
                Content = new Dictionary<string, OpenApiMediaType>
                {
                    ["application/problem+json"] = new() { Schema = new OpenApiSchemaReference("ProblemDetails", context.Document) },
                },
            });
        }
    }

    /// <summary>The converter of times keeps their JSON type and format from the document, which would leave clients without one.</summary>
    private static Task DescribeTime(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken ct)
    {
        if (context.JsonTypeInfo.Type == typeof(DateTimeOffset) || context.JsonTypeInfo.Type == typeof(DateTimeOffset?))
        {
            schema.Format = "date-time";
            schema.Type = context.JsonTypeInfo.Type == typeof(DateTimeOffset) ? JsonSchemaType.String : JsonSchemaType.String | JsonSchemaType.Null;
        }

        return Task.CompletedTask;
    }

    /// <summary>Without their type generators make them anything.</summary>
    private static Task DescribeEnum(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken ct)
    {
        if (schema.Enum is { Count: > 0 })
        {
            schema.Type ??= JsonSchemaType.String;
        }

        return Task.CompletedTask;
    }

    private static Task DescribeProblem(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken ct)
    {
        if (context.JsonTypeInfo.Type != typeof(ProblemDetails))
        {
            return Task.CompletedTask;
        }

        schema.AdditionalPropertiesAllowed = true;
        schema.Properties ??= new Dictionary<string, IOpenApiSchema>();
        schema.Properties["code"] = new OpenApiSchema
        {
            Type = JsonSchemaType.String,
            Description = "Stable, for programs.",
            Examples = [JsonValue.Create("invalid_request")],
        };
        schema.Properties["traceId"] = new OpenApiSchema { Type = JsonSchemaType.String };
        schema.Properties["errors"] = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Description = "With invalid_request: the members at fault.",
            AdditionalProperties = new OpenApiSchema
            {
                Type = JsonSchemaType.Array,
                Items = new OpenApiSchema { Type = JsonSchemaType.String },
            },
        };
        return Task.CompletedTask;
    }
}
