using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Telemetry;

namespace SmartLock.Server.Tests.Telemetry;

/// <summary>What one app's own meter measured; other apps of this test run are passed over.</summary>
internal sealed class Measured : IDisposable
{
    private readonly ConcurrentQueue<(string Name, double Value, IReadOnlyDictionary<string, object?> Tags)> _all = new();
    private readonly MeterListener _listener = new();

    public Measured(TestApp app)
    {
        var factory = app.Services.GetRequiredService<IMeterFactory>();
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == TelemetryNames.Source && ReferenceEquals(instrument.Meter.Scope, factory))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Note(instrument, value, tags));
        _listener.Start();
    }

    public IReadOnlyList<(string Name, double Value, IReadOnlyDictionary<string, object?> Tags)> All => [.. _all];

    public double Sum(string name, params (string Tag, string Value)[] tags) => _all
        .Where(m => m.Name == name && tags.All(t => t.Value.Equals(m.Tags.GetValueOrDefault(t.Tag))))
        .Sum(m => m.Value);

    /// <summary>Reads an observable instrument now.</summary>
    public double Observe(string name)
    {
        _listener.RecordObservableInstruments();
        return _all.Last(m => m.Name == name).Value;
    }

    public void Dispose() => _listener.Dispose();

    private void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        _all.Enqueue((instrument.Name, value, new Dictionary<string, object?>(tags.ToArray())));
}
