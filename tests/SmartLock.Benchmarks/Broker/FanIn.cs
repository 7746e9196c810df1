using System.Globalization;
using SmartLock.Mqtt;

namespace SmartLock.Benchmarks;

/// <summary>
/// Many publishers, one subscriber. With one message in a write and hardly any under way the cost is mostly the kernel's, for any broker; what
/// comes while a broker is busy it may read at once: unpaced publishers write message by message too, but wait for nobody; saturating ones write
/// 250 at a time, some 56 KB.
/// </summary>
internal static class FanIn
{
    private const int Many = 250;

    public static async Task RunAsync(BrokerOptions options, Report report)
    {
        foreach (var qos in new[] { MqttQoS.AtMostOnce, MqttQoS.AtLeastOnce })
        {
            FanInShape[] shapes =
            [
                new("1 a write", qos, Burst: 1, RoundsUnderWay: 2),
                new("1 a write, unpaced", qos, Burst: 1, RoundsUnderWay: Many),
                new("20 a write", qos, Burst: 20, RoundsUnderWay: 2),
                new("saturated", qos, Many, RoundsUnderWay: 2),
            ];
            foreach (var shape in shapes)
            {
                await RunAsync(shape, options, report);
            }
        }
    }

    private static async Task RunAsync(FanInShape shape, BrokerOptions options, Report report)
    {
        await using var contest = new Contest(options);
        string[] brokers = shape.QoS == MqttQoS.AtMostOnce ? [.. RunningBroker.All, RunningBroker.Bare] : RunningBroker.All;
        foreach (var broker in brokers)
        {
            await contest.EnterAsync(broker, broker, b => Task.FromResult<ILoad>(FanInLoad.Connect(b.Port, shape)));
        }

        await contest.WarmUpAsync();
        await contest.MeasureAsync();
        var title = string.Create(CultureInfo.InvariantCulture, $"fan-in {shape.Publishers}:1, QoS {(int)shape.QoS}, {shape.Name}");
        Throughput.Add(report, contest, title, brokers, target: shape.QoS == MqttQoS.AtMostOnce ? 2 : 1.5);
    }
}
