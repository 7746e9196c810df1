using System.Globalization;
using SmartLock.Mqtt;

namespace SmartLock.Benchmarks;

/// <summary>A command and the device's answer, one under way: what a person at a door waits for, as far as it is the broker's.</summary>
internal static class RoundTrip
{
    public static async Task RunAsync(BrokerOptions options, Report report)
    {
        foreach (var qos in new[] { MqttQoS.AtMostOnce, MqttQoS.AtLeastOnce })
        {
            var loads = new Dictionary<string, RoundTripLoad>(StringComparer.Ordinal);
            await using var contest = new Contest(options);
            foreach (var broker in RunningBroker.All)
            {
                await contest.EnterAsync(broker, broker, b => Task.FromResult<ILoad>(loads[broker] = RoundTripLoad.Connect(b.Port, qos)));
            }

            await contest.WarmUpAsync();
            foreach (var load in loads.Values)
            {
                load.Forget();
            }

            await contest.MeasureAsync();
            foreach (var broker in RunningBroker.All)
            {
                Add(report, string.Create(CultureInfo.InvariantCulture, $"round trip, QoS {(int)qos}: {broker}"), contest.MedianOf(broker), loads.GetValueOrDefault(broker));
            }
        }
    }

    private static void Add(Report report, string name, Sample? sample, RoundTripLoad? load)
    {
        report.Add(
            name,
            ("p50 us", sample is null ? double.NaN : load!.Percentile(50)),
            ("p99 us", sample is null ? double.NaN : load!.Percentile(99)),
            ("CPU us", sample?.CpuMicroseconds ?? double.NaN),
            ("broker cores", sample?.BrokerCores ?? double.NaN),
            ("load cores", sample?.LoadCores ?? double.NaN));
    }
}
