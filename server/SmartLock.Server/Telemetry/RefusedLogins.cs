using System.Diagnostics.Metrics;

namespace SmartLock.Server.Telemetry;

/// <summary>Counts wrong passwords, at the API and at the broker. A rise is what an attack on them looks like.</summary>
internal sealed class RefusedLogins(IMeterFactory meters)
{
    private readonly Counter<long> _refused = meters.Create(TelemetryNames.Source).CreateCounter<long>(
        TelemetryNames.LoginsRefused, "{login}", "Wrong names or passwords, by where: api, mqtt.");

    public void AtApi() => Add("api");

    public void AtBroker() => Add("mqtt");

    private void Add(string where) => _refused.Add(1, new KeyValuePair<string, object?>(TelemetryNames.Login, where));
}
