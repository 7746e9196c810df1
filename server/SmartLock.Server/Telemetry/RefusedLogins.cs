using System.Diagnostics.Metrics;

namespace SmartLock.Server.Telemetry;

/// <summary>Counts logins that were refused, at the API and at the broker. A rise is what an attack on passwords looks like.</summary>
internal sealed class RefusedLogins(IMeterFactory meters)
{
    private readonly Counter<long> _refused = meters.Create(TelemetryNames.Source).CreateCounter<long>(
        TelemetryNames.LoginsRefused, "{login}", "Logins refused, by where (api, mqtt) and why.");

    public void AtApi(string reason) => Add("api", reason);

    public void AtBroker() => Add("mqtt", "credentials");

    private void Add(string where, string reason) => _refused.Add(
        1, new KeyValuePair<string, object?>("smartlock.login", where), new KeyValuePair<string, object?>("error.type", reason));
}
