using System.Globalization;
using SmartLock.Mqtt;

namespace SmartLock.Benchmarks;

/// <summary>One publisher, many subscribers of one topic; deliveries are counted. Each costs the kernel one write at least.</summary>
internal static class FanOut
{
    private const int Subscribers = 500;

    public static async Task RunAsync(BrokerOptions options, Report report)
    {
        foreach (var qos in new[] { MqttQoS.AtMostOnce, MqttQoS.AtLeastOnce })
        {
            foreach (var burst in new[] { 1, 20 })
            {
                var shape = new FanOutShape(LoadTopics.Status(LoadTopics.Id(0)), qos, burst, Subscribers);
                await using var contest = new Contest(options);
                foreach (var broker in RunningBroker.All)
                {
                    await contest.EnterAsync(broker, broker, b => Task.FromResult<ILoad>(FanOutLoad.Connect(b.Port, shape)));
                }

                await contest.WarmUpAsync();
                await contest.MeasureAsync();
                var title = string.Create(CultureInfo.InvariantCulture, $"fan-out 1:{Subscribers}, QoS {(int)qos}, {burst} a write");
                Throughput.Add(report, contest, title, RunningBroker.All);
            }
        }
    }
}
