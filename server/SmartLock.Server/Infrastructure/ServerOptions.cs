namespace SmartLock.Server.Infrastructure;

internal sealed class ServerOptions
{
    public const string Section = "Server";

    /// <summary>How phones reach the API, such as <c>https://locks.example.org</c>; null for however the request at hand did.</summary>
    public string? PublicUrl { get; set; }

    /// <summary>Null when it is not set.</summary>
    public Uri? Address => string.IsNullOrEmpty(PublicUrl) ? null : new Uri(PublicUrl);

    /// <summary>Null when the request named no host that an address can be made of.</summary>
    public Uri? AddressFor(HttpRequest request) =>
        Address ?? (Uri.TryCreate($"{request.Scheme}://{request.Host}{request.PathBase}", UriKind.Absolute, out var asked) ? asked : null);

    public static string? Check(ServerOptions options) =>
        string.IsNullOrEmpty(options.PublicUrl)
        || (Uri.TryCreate(options.PublicUrl, UriKind.Absolute, out var url)
            && url is { Scheme: "http" or "https", Query: "", Fragment: "", UserInfo: "" })
            ? null
            : $"{Section}:PublicUrl must be a URL such as https://locks.example.org.";
}
