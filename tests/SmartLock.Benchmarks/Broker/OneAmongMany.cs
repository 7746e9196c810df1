using System.Globalization;
using SmartLock.Mqtt;

namespace SmartLock.Benchmarks;

/// <summary>What a message to one device costs while many others are connected and idle, against while few are.</summary>
internal static class OneAmongMany
{
    private const int Few = 10;
    private const int Many = 20_000;
    private const double MostRatio = 1.10;

    private static readonly TimeSpan Leaving = TimeSpan.FromSeconds(3);

    private static readonly (string Way, string Broker, string? PublishTopic)[] Ways =
    [
        ("smartlock", RunningBroker.Ours, null),
        ("smartlock PublishTo", RunningBroker.Ours, LoadTopics.Directed),
        ("mosquitto", RunningBroker.Mosquitto, null),
        ("aedes", RunningBroker.Aedes, null),
    ];

    public static async Task RunAsync(BrokerOptions options, Report report)
    {
        var many = Crowd.Possible(options.Connections ?? Many);
        foreach (var burst in new[] { 1, 20 })
        {
            // A broker at a time, among few and among many in turn: the ratio is of those two.
            foreach (var (way, broker, publishTopic) in Ways)
            {
                var shape = new FanOutShape(LoadTopics.Control(LoadTopics.Device), MqttQoS.AtLeastOnce, burst)
                {
                    PublishTopic = publishTopic,
                    RoundsUnderWay = burst == 1 ? 1 : 2,
                };
                var (among, amongMany, ratio) = await CompareAsync(options, broker, shape, many);
                var how = burst == 1 ? "singly" : string.Create(CultureInfo.InvariantCulture, $"{burst} a write");
                report.Add(
                    string.Create(CultureInfo.InvariantCulture, $"one among {many:N0}, QoS 1, {how}: {way}"),
                    ($"CPU us of {Few}", among?.CpuMicroseconds ?? double.NaN),
                    ("CPU us", amongMany?.CpuMicroseconds ?? double.NaN),
                    ("ratio", ratio),
                    ("target", broker == RunningBroker.Ours ? MostRatio : double.NaN),
                    ("broker cores", amongMany?.BrokerCores ?? double.NaN),
                    ("load cores", amongMany?.LoadCores ?? double.NaN),
                    ("msg/s", amongMany?.PerSecond ?? double.NaN));
            }
        }
    }

    private static async Task<(Sample? Few, Sample? Many, double Ratio)> CompareAsync(BrokerOptions options, string broker, FanOutShape shape, int many)
    {
        var crowds = new List<Crowd>();
        await using var contest = new Contest(options);
        try
        {
            foreach (var count in new[] { Few, many })
            {
                await contest.EnterAsync(Name(count), broker, async b =>
                {
                    crowds.Add(await GatherAsync(b.Port, count, many));
                    return FanOutLoad.Connect(b.Port, shape);
                });
            }

            await contest.WarmUpAsync();
            await contest.MeasureAsync();
            return (contest.MedianOf(Name(Few)), contest.MedianOf(Name(many)), contest.CpuRatio(Name(many), Name(Few)));
        }
        finally
        {
            foreach (var crowd in crowds)
            {
                await crowd.DisposeAsync();
            }
        }
    }

    // Both brokers have had as many come, so that both have the same heap and the same code compiled; from one all but a few have gone again.
    private static async Task<Crowd> GatherAsync(int port, int count, int many)
    {
        var crowd = await Crowd.GatherAsync(port, many);
        if (count == many)
        {
            return crowd;
        }

        await crowd.DisposeAsync();
        await Task.Delay(Leaving, TimeProvider.System);
        return await Crowd.GatherAsync(port, count);
    }

    private static string Name(int count) => string.Create(CultureInfo.InvariantCulture, $"among {count}");
}
