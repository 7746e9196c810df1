namespace SmartLock.Server.Infrastructure;

internal static class SecurityHeaders
{
    /// <summary>What is answered here depends on who asks and when.</summary>
    private static readonly PathString[] Private = ["/api", "/health", "/auth", "/locks"];

    /// <summary>A year, of this name only: what else its domain serves is not this server's to say (RFC 6797).</summary>
    private const string Hsts = "max-age=31536000";

    private const string NothingAllowed = "default-src 'none'; frame-ancestors 'none'";

    /// <summary>Swagger UI sets styles inline and draws its icons from data URLs; its scripts are files.</summary>
    private const string ForDocs =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
        + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    public static IApplicationBuilder UseSecurityHeaders(this IApplicationBuilder app) => app.Use(static (context, next) =>
    {
        // When the answer starts: the exception handler clears whatever was set before.
        context.Response.OnStarting(static state => Add((HttpContext)state), context);
        return next(context);
    });

    private static Task Add(HttpContext context)
    {
        var headers = context.Response.Headers;
        var path = context.Request.Path;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        if (context.Request.IsHttps)
        {
            headers.StrictTransportSecurity = Hsts;
        }

        // A page of our own has set what it needs.
        if (headers.ContentSecurityPolicy.Count == 0)
        {
            headers.ContentSecurityPolicy = path.StartsWithSegments(ApiDocs.UiPath) ? ForDocs : NothingAllowed;
        }

        if (Private.Any(p => path.StartsWithSegments(p)))
        {
            headers.CacheControl = "no-store";
        }

        return Task.CompletedTask;
    }
}
