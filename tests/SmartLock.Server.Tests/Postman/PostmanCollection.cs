using System.Text.Json;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Postman;

/// <summary>A request of the collection in postman/, named as OpenAPI names operations: <c>GET /api/locks/{device_id}</c>.</summary>
/// <param name="Folder">The outermost that it is in.</param>
/// <param name="Parameters">Of its query and headers.</param>
internal sealed record CollectionRequest(string Name, string Folder, string Operation, IReadOnlyList<string> Parameters);

internal static class PostmanCollection
{
    public static string Path { get; } = PathOf("collection");

    public static string EnvironmentPath { get; } = PathOf("environment");

    public static IReadOnlyList<CollectionRequest> Requests()
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Path));
        return
        [
            .. from folder in document.RootElement.GetProperty("item").EnumerateArray()
               from request in Below(folder, folder.GetProperty("name").GetString()!)
               select request,
        ];
    }

    private static string PathOf(string what) => System.IO.Path.Combine(SourceTree.Root, "postman", $"SmartLock.postman_{what}.json");

    private static IEnumerable<CollectionRequest> Below(JsonElement folder, string name)
    {
        foreach (var item in folder.GetProperty("item").EnumerateArray())
        {
            foreach (var request in item.TryGetProperty("request", out var own) ? [Of(item, own, name)] : Below(item, name))
            {
                yield return request;
            }
        }
    }

    private static CollectionRequest Of(JsonElement item, JsonElement request, string folder)
    {
        var url = request.GetProperty("url");
        var path = url.GetProperty("path").EnumerateArray().Select(s => s.GetString()!).Select(s => s.StartsWith(':') ? $"{{{s[1..]}}}" : s);
        return new CollectionRequest(
            item.GetProperty("name").GetString()!,
            folder,
            $"{request.GetProperty("method").GetString()} /{string.Join('/', path)}",
            [.. Keys(url, "query"), .. Keys(request, "header")]);
    }

    private static IEnumerable<string> Keys(JsonElement owner, string member) =>
        owner.TryGetProperty(member, out var list) ? list.EnumerateArray().Select(e => e.GetProperty("key").GetString()!) : [];
}
