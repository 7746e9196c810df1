using System.Text.Json;
using System.Text.RegularExpressions;

namespace SmartLock.Server.Infrastructure;

/// <summary>
/// Says which member of a request is wrong, in the API's own words. That a member is missing, unknown or given twice, the framework tells only in the
/// text of its exceptions: this is the one place that reads such texts, and tests hold them fast. A text that is not recognised still names the member,
/// less precisely.
/// </summary>
internal static partial class InvalidRequest
{
    private const string Body = "body";
    private const int LongestName = 64;
    private static readonly string[] Required = ["is required"];

    public static IReadOnlyDictionary<string, string[]> Errors(BadHttpRequestException exception, ExpectedForms expected) => exception.InnerException switch
    {
        JsonException json => FromJson(json, expected),
        _ => FromBinding(exception.Message),
    };

    /// <summary>What the framework's validation found: it names members as C# does.</summary>
    public static IReadOnlyDictionary<string, string[]> Errors(HttpValidationProblemDetails invalid) =>
        invalid.Errors.ToDictionary(error => JsonNamingPolicy.SnakeCaseLower.ConvertName(error.Key), error => error.Value.Distinct().ToArray());

    private static Dictionary<string, string[]> FromJson(JsonException exception, ExpectedForms expected)
    {
        var text = exception.Message;
        if (text.Contains("missing required properties", StringComparison.Ordinal))
        {
            var listed = text[text.IndexOf("including:", StringComparison.Ordinal)..];
            return Quoted().Matches(listed)
                .DistinctBy(m => m.Groups[1].Value)
                .ToDictionary(m => m.Groups[1].Value, _ => Required);
        }

        if (exception.InnerException is JsonException)
        {
            return One(Body, $"is not valid JSON (line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1})");
        }

        var name = FieldName(exception.Path);
        if (text.Contains("could not be mapped", StringComparison.Ordinal))
        {
            return One(name, "is not a member of this request");
        }

        return text.StartsWith("Duplicate", StringComparison.Ordinal)
            ? One(Quoted().Match(text) is { Success: true } match ? Shorten(match.Groups[1].Value) : name, "is given twice")
            : One(name, name == Body ? "must be a JSON object" : expected.Of(name));
    }

    private static Dictionary<string, string[]> FromBinding(string message)
    {
        if (Parameter().Match(message) is not { Success: true } match || message.EndsWith("from body.", StringComparison.Ordinal))
        {
            return One(Body, "must be a JSON object");
        }

        var name = JsonNamingPolicy.SnakeCaseLower.ConvertName(match.Groups[1].Value);
        return One(name, message.StartsWith("Required", StringComparison.Ordinal) ? "is required" : ExpectedForms.Unknown);
    }

    private static Dictionary<string, string[]> One(string name, string message) => new() { [name] = [message] };

    /// <summary>From a JSON path such as <c>$.guest.name</c> or <c>$['odd name']</c>.</summary>
    private static string FieldName(string? path)
    {
        if (path is null or "$")
        {
            return Body;
        }

        var name = path.StartsWith("$.", StringComparison.Ordinal) ? path[2..] : path[1..];
        return Shorten(name.StartsWith("['", StringComparison.Ordinal) && name.EndsWith("']", StringComparison.Ordinal) ? name[2..^2] : name);
    }

    private static string Shorten(string name) => name.Length <= LongestName ? name : name[..LongestName];

    [GeneratedRegex("'([^']*)'")]
    private static partial Regex Quoted();

    /// <summary>As in <c>Failed to bind parameter "int limit" from "abc".</c></summary>
    [GeneratedRegex("parameter \"[^\"]* (\\w+)\"")]
    private static partial Regex Parameter();
}
