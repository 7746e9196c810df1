using Microsoft.Net.Http.Headers;

namespace SmartLock.Server.Infrastructure;

/// <summary>
/// Bodies are in UTF-8, as JSON has to be (RFC 8259, section 8.1). A charset that says so may stand in quotes (RFC 9110, section 5.6.6), which the
/// framework does not understand; for every other one the answer is 415.
/// </summary>
internal static class RequestCharset
{
    public static Task CheckAsync(HttpContext context, RequestDelegate next)
    {
        if (!MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type) || !type.Charset.HasValue)
        {
            return next(context);
        }

        var charset = HeaderUtilities.RemoveQuotes(type.Charset);
        if (charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) || charset.Equals("us-ascii", StringComparison.OrdinalIgnoreCase))
        {
            type.Charset = default;
            context.Request.ContentType = type.ToString();
            return next(context);
        }

        return Problems.Of(StatusCodes.Status415UnsupportedMediaType, "unsupported_media_type", "The charset must be utf-8.").ExecuteAsync(context);
    }
}
