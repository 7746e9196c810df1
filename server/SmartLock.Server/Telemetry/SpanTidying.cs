using System.Diagnostics;
using OpenTelemetry;

namespace SmartLock.Server.Telemetry;

/// <summary>
/// Removes from a span, before it leaves the process, what may hold a secret or has no bound. A request is named by its route: its path and query
/// may hold what only the caller is to know. Other systems' addresses are kept without their path.
/// </summary>
internal sealed class SpanTidying : BaseProcessor<Activity>
{
    private const string FullUrl = "url.full";

    /// <summary>The instrumentation redacts the values of a query but keeps its names; a User-Agent header is whatever the caller sends.</summary>
    private static readonly string[] FromTheCaller = ["url.path", "url.query", "user_agent.original"];

    public override void OnEnd(Activity data)
    {
        foreach (var name in FromTheCaller)
        {
            data.SetTag(name, null);
        }

        // A calendar's private address, say, is all secret from its path on; the framework hides the query only.
        if (data.GetTagItem(FullUrl) is string url)
        {
            data.SetTag(FullUrl, Uri.TryCreate(url, UriKind.Absolute, out var address) ? address.GetLeftPart(UriPartial.Authority) : null);
        }
    }
}
