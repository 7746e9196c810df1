using System.Text.Json;
using System.Text.Json.Nodes;

namespace SmartLock.Server.Tests.Contract;

/// <param name="Name">Null for a body that is not described member by member.</param>
internal sealed record ApiMember(string Name, bool IsRequired, bool IsNullable, IReadOnlyList<string> Types, IReadOnlyList<string> Values);

/// <summary>An operation as the OpenAPI document describes it, with what a test needs to make requests of it.</summary>
internal sealed record ApiOperation(
    string Id,
    string Method,
    string Path,
    bool NeedsToken,
    bool HasBody,
    bool IsBodyRequired,
    IReadOnlyList<ApiMember> Members,
    IReadOnlyList<string> PathParameters,
    IReadOnlyList<string> QueryParameters)
{
    private const string SomeTime = "2099-01-01T00:00:00Z";

    public override string ToString() => $"{Method} {Path}";

    public static async Task<IReadOnlyList<ApiOperation>> AllAsync(TestApp app)
    {
        var document = JsonDocument.Parse(await app.Http.GetStringAsync("/openapi/v1.json")).RootElement;
        return
        [
            .. from path in document.GetProperty("paths").EnumerateObject()
               from operation in path.Value.EnumerateObject()
               select Read(document, operation.Name.ToUpperInvariant(), path.Name, operation.Value),
        ];
    }

    /// <summary>All members with values of the right type that mean nothing much.</summary>
    public JsonObject SampleBody(bool requiredOnly = false)
    {
        var body = new JsonObject();
        foreach (var member in Members.Where(m => m.IsRequired || !requiredOnly))
        {
            body[member.Name] = Sample(member);
        }

        return body;
    }

    /// <param name="value">What stands for every parameter of the path, escaped already.</param>
    public string PathWith(string value) => PathParameters.Aggregate(Path, (path, name) => path.Replace($"{{{name}}}", value, StringComparison.Ordinal));

    private static JsonNode? Sample(ApiMember member) => member switch
    {
        { Values: [var first, ..] } => first,
        { Types: var types } when types.Contains("string") => "sample-1",
        { Types: var types } when types.Contains("boolean") => false,
        { Types: var types } when types.Contains("integer") || types.Contains("number") => 1,
        { Types: var types } when types.Contains("array") => new JsonArray(),
        _ => new JsonObject(),
    };

    private static ApiOperation Read(JsonElement document, string method, string path, JsonElement operation)
    {
        var hasBody = operation.TryGetProperty("requestBody", out var body);
        var schema = hasBody ? Resolve(document, body.GetProperty("content").EnumerateObject().First().Value.GetProperty("schema")) : default;
        var parameters = operation.TryGetProperty("parameters", out var list) ? list.EnumerateArray().ToList() : [];
        return new ApiOperation(
            operation.GetProperty("operationId").GetString()!,
            method,
            path,
            operation.TryGetProperty("security", out var security) && security.GetArrayLength() > 0,
            hasBody,
            hasBody && body.TryGetProperty("required", out var required) && required.GetBoolean(),
            hasBody ? MembersOf(document, schema) : [],
            NamesIn(parameters, "path"),
            NamesIn(parameters, "query"));
    }

    private static List<string> NamesIn(IEnumerable<JsonElement> parameters, string place) =>
        [.. parameters.Where(p => p.GetProperty("in").GetString() == place).Select(p => p.GetProperty("name").GetString()!)];

    private static List<ApiMember> MembersOf(JsonElement document, JsonElement schema)
    {
        if (!schema.TryGetProperty("properties", out var properties))
        {
            return [];
        }

        string[] required = schema.TryGetProperty("required", out var names) ? [.. names.EnumerateArray().Select(n => n.GetString()!)] : [];
        return [.. properties.EnumerateObject().Select(p => Member(document, p, required.Contains(p.Name)))];
    }

    private static ApiMember Member(JsonElement document, JsonProperty property, bool isRequired)
    {
        var schema = Resolve(document, property.Value);
        List<string> types = schema.TryGetProperty("type", out var type)
            ? type.ValueKind is JsonValueKind.Array ? [.. type.EnumerateArray().Select(t => t.GetString()!)] : [type.GetString()!]
            : [];
        List<string> values = schema.TryGetProperty("enum", out var allowed)
            ? [.. allowed.EnumerateArray().Where(v => v.ValueKind is JsonValueKind.String).Select(v => v.GetString()!)]
            : [];
        if (schema.TryGetProperty("format", out var format) && format.GetString() == "date-time")
        {
            values = [SomeTime];
        }

        var isNullable = types.Contains("null") || property.Value.ToString().Contains("\"null\"", StringComparison.Ordinal);
        return new ApiMember(property.Name, isRequired, isNullable, types, values);
    }

    private static JsonElement Resolve(JsonElement document, JsonElement schema)
    {
        if (schema.TryGetProperty("$ref", out var reference))
        {
            var name = reference.GetString()!.Split('/')[^1];
            return Resolve(document, document.GetProperty("components").GetProperty("schemas").GetProperty(name));
        }

        return schema.TryGetProperty("oneOf", out var choices)
            ? Resolve(document, choices.EnumerateArray().First(c => !c.TryGetProperty("type", out var t) || t.ToString() != "null"))
            : schema;
    }
}
