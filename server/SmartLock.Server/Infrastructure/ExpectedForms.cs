using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.Metadata;

namespace SmartLock.Server.Infrastructure;

/// <summary>What the members of a request's body must be, by the types that the endpoint reads it into.</summary>
/// <param name="body">Null for an endpoint without a body.</param>
internal sealed class ExpectedForms(Type? body, JsonSerializerOptions json)
{
    public const string Unknown = "has the wrong type or form";

    /// <summary>Of a request that failed: the exception handler has taken its endpoint away and keeps it in a feature.</summary>
    public static ExpectedForms Of(HttpContext context, JsonSerializerOptions json)
    {
        var endpoint = context.Features.Get<IExceptionHandlerFeature>()?.Endpoint ?? context.GetEndpoint();
        return new ExpectedForms(endpoint?.Metadata.GetMetadata<IAcceptsMetadata>()?.RequestType, json);
    }

    /// <summary>Such as <c>must be viewer or operator</c>.</summary>
    /// <param name="member">Its name in JSON.</param>
    public string Of(string member)
    {
        var type = body is null ? null : json.GetTypeInfo(body).Properties.FirstOrDefault(property => property.Name == member)?.PropertyType;
        return type is null ? Unknown : Describe(Nullable.GetUnderlyingType(type) ?? type);
    }

    private string Describe(Type type)
    {
        if (type.IsEnum)
        {
            var names = Enum.GetValues(type).Cast<object>().Select(value => JsonSerializer.SerializeToElement(value, type, json).GetString()).ToArray();
            return names.Length == 1 ? $"must be {names[0]}" : $"must be {string.Join(", ", names[..^1])} or {names[^1]}";
        }

        return type switch
        {
            _ when type == typeof(DateTimeOffset) => "must be a time with an offset, such as 2026-06-01T12:00:00Z",
            _ when type == typeof(bool) => "must be true or false",
            _ when type == typeof(int) || type == typeof(long) => "must be a whole number",
            _ when type == typeof(string) => "must be a text",
            _ when type.IsAssignableTo(typeof(IEnumerable<string>)) => "must be a list of texts",
            _ => Unknown,
        };
    }
}
