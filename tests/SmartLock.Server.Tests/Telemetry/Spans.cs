using System.Collections.Concurrent;
using System.Diagnostics;
using SmartLock.Server.Telemetry;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Telemetry;

/// <summary>The ended spans of one trace, which the test's own request began.</summary>
internal sealed class Spans : IDisposable
{
    private readonly ConcurrentQueue<Activity> _ended = new();
    private readonly ActivityListener _listener;

    public Spans()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is TelemetryNames.Source or "Microsoft.AspNetCore",
            Sample = (ref ActivityCreationOptions<ActivityContext> options) =>
                options.TraceId == TraceId ? ActivitySamplingResult.AllDataAndRecorded : ActivitySamplingResult.None,
            ActivityStopped = span =>
            {
                if (span.TraceId == TraceId)
                {
                    _ended.Enqueue(span);
                }
            },
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public ActivityTraceId TraceId { get; } = ActivityTraceId.CreateRandom();

    /// <summary>W3C Trace Context, sampled.</summary>
    public string TraceParent => $"00-{TraceId}-{ActivitySpanId.CreateRandom()}-01";

    public IReadOnlyList<Activity> All => [.. _ended];

    public async Task<Activity> EndedAsync(string name)
    {
        await Eventually.TrueAsync(() => _ended.Any(s => s.OperationName == name), $"the span {name} has ended");
        return _ended.First(s => s.OperationName == name);
    }

    public void Dispose() => _listener.Dispose();
}
