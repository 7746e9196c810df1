using System.Globalization;
using System.Text;
using BenchmarkDotNet.Attributes;
using SmartLock.Mqtt.Broker;

namespace SmartLock.Benchmarks;

/// <summary>Who is to be given a message, among so many filters.</summary>
public class SubscriptionBenchmarks
{
    private readonly SubscriptionTree _ownTopics = new();
    private readonly SubscriptionTree _wildcards = new();
    private byte[] _topic = [];

    [Params(10, 1_000, 20_000, 200_000)]
    public int Filters { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        for (var i = 0; i < Filters; i++)
        {
            _ownTopics.Add(new Subscription(static (in _) => { }), Text($"smartlock/commands/device-{i}"));
            _wildcards.Add(new Subscription(static (in _) => { }), Text($"smartlock/+/device-{i}"));
        }

        _wildcards.Add(new Subscription(static (in _) => { }), "smartlock/#"u8);
        _topic = Text($"smartlock/commands/device-{Filters / 2}");
        if (FindAmongOwnTopics() != 1 || FindAmongWildcards() != 2)
        {
            throw new InvalidOperationException("The tree finds others than it should.");
        }
    }

    [Benchmark]
    public int FindAmongOwnTopics() => Find(_ownTopics);

    /// <summary>One with + among so many of its kind, and one with #.</summary>
    [Benchmark]
    public int FindAmongWildcards() => Find(_wildcards);

    private int Find(SubscriptionTree tree)
    {
        var counter = default(Counter);
        tree.Match(_topic, ref counter);
        return counter.Subscribers;
    }

    private static byte[] Text(FormattableString text) => Encoding.UTF8.GetBytes(text.ToString(CultureInfo.InvariantCulture));

    private struct Counter : ISubscriberVisitor
    {
        public int Subscribers;

        public void VisitOwn(SubscriberSet subscribers)
        {
            foreach (var subscription in subscribers.Slots)
            {
                Subscribers += subscription is null ? 0 : 1;
            }
        }

        public void VisitGroup(SubscriberSet members) => Subscribers++;
    }
}
