using System.Diagnostics;
using OpenTelemetry;

namespace SmartLock.Server.Telemetry;

/// <summary>Before a span leaves the process: probes of the server's health are not worth sending, and addresses of other systems may hold secrets.</summary>
internal sealed class SpanTidying : BaseProcessor<Activity>
{
    private const string FullUrl = "url.full";

    public override void OnEnd(Activity data)
    {
        if (data.GetTagItem(RequestSpans.Route) is string route && route.StartsWith("/health/", StringComparison.Ordinal))
        {
            data.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
            return;
        }

        // A calendar's private address, say, is all secret from its path on; the framework hides the query only.
        if (data.GetTagItem(FullUrl) is string url)
        {
            data.SetTag(FullUrl, Uri.TryCreate(url, UriKind.Absolute, out var address) ? address.GetLeftPart(UriPartial.Authority) : null);
        }
    }
}
