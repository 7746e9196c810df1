using System.Net;
using System.Text.Json;
using SmartLock.Server.Accounts;

namespace SmartLock.Server.Cli;

/// <summary>What the first start prints: two ways to make the first admin without a second program.</summary>
internal static class FirstAdminText
{
    private const string TokenMark = "#token=";

    /// <param name="published">How the server is reached from elsewhere (<c>Server:PublicUrl</c>); null for where it listens.</param>
    public static Uri LinkFor(Uri? published, Uri listening, string token) =>
        new($"{(published ?? Reachable(listening)).ToString().TrimEnd('/')}/setup{TokenMark}{token}");

    public static string Of(Uri link) => $$"""

          Make the first admin account within {{FirstAdminSetup.ValidFor.TotalHours:0}} hours, once, by opening this link{{(link.IsLoopback ? " on this machine" : "")}}:

            {{link}}

          or by typing this, with a name and a password of your own and Ctrl-D behind it, to the command below:

            {"token":"{{link.Fragment[TokenMark.Length..]}}","username":"alice","password":"..."}

            curl -s {{new Uri(link, "api/auth/first-admin")}} -H 'Content-Type: application/json' -d @-

          Whoever has the link may do it: do not pass it on. A restart makes another.

        """;

    /// <summary>One object on one line, where the log is written so.</summary>
    public static string JsonOf(Uri link) => JsonSerializer.Serialize(new { FirstAdminLink = link });

    /// <summary>A server that listens on all addresses is found under this one.</summary>
    private static Uri Reachable(Uri listening) =>
        IPAddress.TryParse(listening.Host, out var address) && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
            ? new UriBuilder(listening) { Host = "localhost" }.Uri
            : listening;
}
