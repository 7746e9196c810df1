using System.Net;
using SmartLock.Server.Accounts;

namespace SmartLock.Server.Cli;

/// <summary>What the first start prints: two ways to make the first admin without a second program.</summary>
internal static class FirstAdminText
{
    public static string For(Uri listening, string token)
    {
        var address = Reachable(listening);
        return $$"""

              Make the first admin account within {{FirstAdminSetup.ValidFor.TotalHours:0}} hours, once, by opening this link on this machine:

                {{address}}setup#token={{token}}

              or by typing this, with a name and a password of your own and Ctrl-D behind it, to the command below:

                {"token":"{{token}}","username":"alice","password":"..."}

                curl -s {{address}}api/auth/first-admin -H 'Content-Type: application/json' -d @-

              Whoever has the link may do it: do not pass it on. A restart makes another.

            """;
    }

    /// <summary>A server that listens on all addresses is found under this one.</summary>
    private static Uri Reachable(Uri listening) =>
        IPAddress.TryParse(listening.Host, out var address) && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
            ? new UriBuilder(listening) { Host = "localhost" }.Uri
            : listening;
}
