using System.Reflection;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.Mvc.ModelBinding;

namespace SmartLock.Server.Infrastructure;

/// <summary>
/// Refuses query parameters that an operation does not have: a misspelt filter would be left out without a word, and a client shown more than it asked
/// for. What an operation has is what its OpenAPI document says; operations that are in none are let be.
/// </summary>
internal sealed class KnownQuery
{
    private readonly Lazy<Dictionary<MethodInfo, HashSet<string>>> _known;

    // Not before the first request: the descriptions are made of the endpoints, which are mapped after this is made.
    public KnownQuery(IApiDescriptionGroupCollectionProvider api) => _known = new(() => Read(api));

    public Task CheckAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Request.Query is { Count: > 0 } query
            && context.GetEndpoint()?.Metadata.GetMetadata<MethodInfo>() is { } handler
            && _known.Value.TryGetValue(handler, out var known)
            && query.Keys.Where(name => !known.Contains(name)).ToList() is { Count: > 0 } unknown)
        {
            var message = known.Count == 0
                ? "is not known: this operation has no query parameters"
                : $"is not known: this operation has {string.Join(", ", known.Order(StringComparer.Ordinal))}";
            return Problems.Invalid(unknown.ToDictionary(name => name, _ => new[] { message })).ExecuteAsync(context);
        }

        return next(context);
    }

    private static Dictionary<MethodInfo, HashSet<string>> Read(IApiDescriptionGroupCollectionProvider api)
    {
        var known = new Dictionary<MethodInfo, HashSet<string>>();
        foreach (var operation in api.ApiDescriptionGroups.Items.SelectMany(group => group.Items))
        {
            if (operation.ActionDescriptor.EndpointMetadata.OfType<MethodInfo>().FirstOrDefault() is { } handler)
            {
                // As the framework binds them: whatever their case.
                var names = known.TryGetValue(handler, out var found) ? found : known[handler] = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
                names.UnionWith(operation.ParameterDescriptions.Where(p => p.Source == BindingSource.Query).Select(p => p.Name));
            }
        }

        return known;
    }
}
