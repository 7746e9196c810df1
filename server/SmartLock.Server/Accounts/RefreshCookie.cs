using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace SmartLock.Server.Accounts;

/// <summary>
/// The browser's way to keep a refresh token: no script reads it, and no other site's page sends it along. Over https its name begins with
/// <c>__Secure-</c> (RFC 6265bis, section 4.1.3.1), which browsers take from https only, so that nobody on the way plants one over http. Over plain http,
/// on loopback, they would refuse that name.
/// </summary>
internal static class RefreshCookie
{
    public const string PlainName = "smartlock_refresh";

    public const string SecureName = "__Secure-smartlock_refresh";

    private const string Path = "/api/auth";

    /// <summary>The one that is asked for depends on how the browser reached the server.</summary>
    public static string NameFor(HttpContext context) => context.Request.IsHttps ? SecureName : PlainName;

    /// <summary>
    /// Null as well when a page of another origin has sent it: to SameSite, a neighbour under the same domain is no other site.
    /// </summary>
    public static string? Read(HttpContext context) => IsOfThisOrigin(context) ? context.Request.Cookies[NameFor(context)] : null;

    /// <summary>Two of one name: one of them was planted by a neighbour under the same domain, and nobody can tell which.</summary>
    public static bool IsTwofold(HttpContext context)
    {
        var name = NameFor(context);
        return CookieHeaderValue.TryParseList([.. context.Request.Headers.Cookie.OfType<string>()], out var cookies)
            && cookies.Count(cookie => StringSegment.Equals(cookie.Name, name, StringComparison.OrdinalIgnoreCase)) > 1;
    }

    public static void Set(HttpContext context, string token, TimeSpan lifetime)
    {
        var options = OptionsFor(context);
        options.MaxAge = lifetime;
        context.Response.Cookies.Append(NameFor(context), token, options);
    }

    /// <summary>Nothing is said to who sent none.</summary>
    public static void Delete(HttpContext context)
    {
        var name = NameFor(context);
        if (context.Request.Cookies.ContainsKey(name))
        {
            context.Response.Cookies.Delete(name, OptionsFor(context));
        }
    }

    /// <summary>By the word of the browser, which no page can change; whoever says nothing is none, or an old one.</summary>
    private static bool IsOfThisOrigin(HttpContext context) =>
        context.Request.Headers["Sec-Fetch-Site"].ToString() is "" or "same-origin" or "none";

    private static CookieOptions OptionsFor(HttpContext context) => new()
    {
        HttpOnly = true,
        SameSite = Microsoft.AspNetCore.Http.SameSiteMode.Strict,
        Secure = context.Request.IsHttps,
        Path = Path,
        IsEssential = true,
    };
}
