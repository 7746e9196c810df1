namespace SmartLock.Server.Accounts;

/// <summary>
/// The browser's way to keep a refresh token: no script reads it, and no other site's page sends it along.
/// </summary>
internal static class RefreshCookie
{
    public const string Name = "smartlock_refresh";

    private const string Path = "/api/auth";

    public static string? Read(HttpContext context) => context.Request.Cookies[Name];

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

    private static CookieOptions OptionsFor(HttpContext context) => new()
    {
        HttpOnly = true,
        SameSite = SameSiteMode.Strict,
        Secure = context.Request.IsHttps,
        Path = Path,
        IsEssential = true,
    };
}
