using System.Collections.Concurrent;
using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Trace;
using SmartLock.Server.Telemetry;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Telemetry;

/// <summary>The ended spans of one trace, which the test's own request began, as the server would export them.</summary>
internal sealed class Spans : IDisposable
{
    private readonly ConcurrentQueue<Activity> _ended = new();
    private readonly TracerProvider _provider;

    public Spans() => _provider = TelemetryExport.Spans()
        .SetSampler(new OnlyTrace(TraceId))
        .AddProcessor(new Collector(this))
        .Build();

    public ActivityTraceId TraceId { get; } = ActivityTraceId.CreateRandom();

    /// <summary>W3C Trace Context, sampled.</summary>
    public string TraceParent => $"00-{TraceId}-{ActivitySpanId.CreateRandom()}-01";

    public IReadOnlyList<Activity> All => [.. _ended];

    public async Task<Activity> EndedAsync(string name)
    {
        await Eventually.TrueAsync(() => _ended.Any(s => s.OperationName == name), $"the span {name} has ended");
        return _ended.First(s => s.OperationName == name);
    }

    public void Dispose() => _provider.Dispose();

    private sealed class OnlyTrace(ActivityTraceId id) : Sampler
    {
        public override SamplingResult ShouldSample(in SamplingParameters samplingParameters) => new(samplingParameters.TraceId == id);
    }

    /// <summary>Other tests of this process may export at the same time, which makes their spans end here too.</summary>
    private sealed class Collector(Spans spans) : BaseProcessor<Activity>
    {
        public override void OnEnd(Activity data)
        {
            if (data.TraceId == spans.TraceId)
            {
                spans._ended.Enqueue(data);
            }
        }
    }
}
