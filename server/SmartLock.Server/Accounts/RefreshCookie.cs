namespace SmartLock.Server.Accounts;

/// <summary>
/// The browser's way to keep a refresh token: no script reads it, and no other site's page sends it along.
/// </summary>
internal static class RefreshCookie
{
    public const string Name = "smartlock_refresh";

    private const string Path = "/api/auth";

    /// <summary>
    /// Null as well when a page of another origin has sent it: to SameSite, a neighbour under the same domain is no other site.
    /// </summary>
    public static string? Read(HttpContext context) => IsOfThisOrigin(context) ? context.Request.Cookies[Name] : null;

    public static void Set(HttpContext context, string token, TimeSpan lifetime)
    {
        var options = OptionsFor(context);
        options.MaxAge = lifetime;
        context.Response.Cookies.Append(Name, token, options);
    }

    /// <summary>Nothing is said to who sent none.</summary>
    public static void Delete(HttpContext context)
    {
        if (context.Request.Cookies.ContainsKey(Name))
        {
            context.Response.Cookies.Delete(Name, OptionsFor(context));
        }
    }

    /// <summary>By the word of the browser, which no page can change; whoever says nothing is none, or an old one.</summary>
    private static bool IsOfThisOrigin(HttpContext context) =>
        context.Request.Headers["Sec-Fetch-Site"].ToString() is "" or "same-origin" or "none";

    private static CookieOptions OptionsFor(HttpContext context) => new()
    {
        HttpOnly = true,
        SameSite = SameSiteMode.Strict,
        Secure = context.Request.IsHttps,
        Path = Path,
        IsEssential = true,
    };
}
