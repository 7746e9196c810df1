using System.Globalization;
using SmartLock.Mqtt;

namespace SmartLock.Benchmarks;

/// <summary>
/// Many publishers, one subscriber. With one message in a write the cost is mostly the kernel's, for any broker; with 250, some 56 KB, there are
/// many in whatever a broker reads at once.
/// </summary>
internal static class FanIn
{
    private const int Publishers = 50;
    private const int Saturating = 250;

    public static async Task RunAsync(BrokerOptions options, Report report)
    {
        foreach (var qos in new[] { MqttQoS.AtMostOnce, MqttQoS.AtLeastOnce })
        {
            foreach (var burst in new[] { 1, 20, Saturating })
            {
                await using var contest = new Contest(options);
                string[] brokers = qos == MqttQoS.AtMostOnce ? [.. RunningBroker.All, RunningBroker.Bare] : RunningBroker.All;
                foreach (var broker in brokers)
                {
                    await contest.EnterAsync(broker, broker, b => Task.FromResult<ILoad>(FanInLoad.Connect(b.Port, qos, Publishers, burst)));
                }

                await contest.WarmUpAsync();
                await contest.MeasureAsync();
                var title = string.Create(
                    CultureInfo.InvariantCulture, $"fan-in {Publishers}:1, QoS {(int)qos}, {(burst == Saturating ? "saturated" : $"{burst} a write")}");
                Throughput.Add(report, contest, title, brokers, target: qos == MqttQoS.AtMostOnce ? 2 : 1.5);
            }
        }
    }
}
