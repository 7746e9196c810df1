using System.Diagnostics.Metrics;
using SmartLock.Server.Telemetry;

namespace SmartLock.Benchmarks;

/// <summary>The server's own count of what became of the statuses it was sent.</summary>
internal sealed class BelievedStatuses : IDisposable
{
    private readonly MeterListener _listener = new();
    private long _believed;
    private long _dropped;

    public BelievedStatuses()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == TelemetryNames.Source && instrument.Name == TelemetryNames.Statuses)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>(Count);
        _listener.Start();
    }

    public long Believed => Interlocked.Read(ref _believed);

    public long Dropped => Interlocked.Read(ref _dropped);

    public void Dispose() => _listener.Dispose();

    private void Count(Instrument instrument, long value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state) =>
        Interlocked.Add(ref tags[0].Value is "believed" ? ref _believed : ref _dropped, value);
}
