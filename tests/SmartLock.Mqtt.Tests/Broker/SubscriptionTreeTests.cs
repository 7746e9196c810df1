using System.Text;
using SmartLock.Mqtt.Broker;

namespace SmartLock.Mqtt.Tests.Broker;

public sealed class SubscriptionTreeTests
{
    [Theory]
    [InlineData(10)]
    [InlineData(20_000)]
    public void A_topic_of_its_own_costs_the_same_however_many_sessions_there_are(int sessions)
    {
        var tree = Fill(sessions);
        var visitor = new Collector();
        tree.Match("smartlock/commands/device-7"u8, ref visitor).ShouldBe(4);
        visitor.Found.Count.ShouldBe(1);
    }

    [Fact]
    public void Matching_allocates_nothing()
    {
        var tree = Fill(1000);
        var visitor = new Counter();
        tree.Match("smartlock/commands/device-7"u8, ref visitor);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            tree.Match("smartlock/commands/device-7"u8, ref visitor);
        }

        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
        visitor.Count.ShouldBe(1001);
    }

    [Fact]
    public void It_agrees_with_the_definition_on_random_filters_while_they_come_and_go()
    {
        var random = new Random(20260601);
        var tree = new SubscriptionTree();
        var held = new Dictionary<string, Subscription>();
        for (var step = 0; step < 20_000; step++)
        {
            var filter = RandomFilter(random);
            if (filter.Length == 0)
            {
                continue;
            }

            if (held.Remove(filter, out var old))
            {
                tree.Remove(old);
            }
            else
            {
                held[filter] = Add(tree, filter);
            }

            var topic = string.Join('/', Enumerable.Range(0, random.Next(1, 5)).Select(_ => RandomLevel(random)));
            if (step % 10 != 0 || topic.Length == 0)
            {
                continue;
            }

            var bytes = Encoding.UTF8.GetBytes(topic);
            var visitor = new Collector();
            tree.Match(bytes, ref visitor);
            var found = visitor.Found.Select(Encoding.UTF8.GetString).Order(StringComparer.Ordinal);
            var matching = held.Values.Select(s => s.Filter).Where(f => MqttTopicFilter.Matches(f, bytes));
            var expected = matching.Select(Encoding.UTF8.GetString).Order(StringComparer.Ordinal);
            // Not ShouldBe on the lists, which is slow for many of them.
            found.SequenceEqual(expected).ShouldBeTrue(topic);
        }

        tree.Count.ShouldBe(held.Count);
    }

    [Fact]
    public void Nothing_is_left_when_everyone_has_gone()
    {
        var tree = new SubscriptionTree();
        var all = new[] { "a/b/c", "a/+/c", "a/#", "#", "+", "a" }.Select(f => Add(tree, f)).ToArray();
        foreach (var subscription in all)
        {
            tree.Remove(subscription);
        }

        var visitor = new Collector();
        tree.Match("a/b/c"u8, ref visitor).ShouldBe(1);
        tree.Count.ShouldBe(0);
    }

    [Fact]
    public async Task A_reader_misses_nobody_who_stays_while_others_come_and_go()
    {
        var tree = new SubscriptionTree();
        Add(tree, "a/b");
        Add(tree, "a/#");
        using var stop = new CancellationTokenSource();
        var reading = Task.Run(() =>
        {
            for (var i = 0L; ; i++)
            {
                var visitor = new Collector();
                tree.Match("a/b"u8, ref visitor);
                visitor.Found.Count.ShouldBeGreaterThanOrEqualTo(2);
                if (stop.IsCancellationRequested && i > 1000)
                {
                    return;
                }
            }
        });
        for (var round = 0; round < 50; round++)
        {
            var crowd = Enumerable.Range(0, 200).Select(i => Add(tree, i % 2 == 0 ? "a/b" : $"a/x{i}")).ToArray();
            Array.ForEach(crowd, tree.Remove);
        }

        await stop.CancelAsync();
        await reading.WaitAsync(TimeSpan.FromSeconds(30));
    }

    private static SubscriptionTree Fill(int sessions)
    {
        var tree = new SubscriptionTree();
        for (var i = 0; i < sessions; i++)
        {
            Add(tree, $"smartlock/commands/device-{i}");
        }

        return tree;
    }

    private static Subscription Add(SubscriptionTree tree, string filter)
    {
        var subscription = new Subscription((in InboundMessage _) => { });
        tree.Add(subscription, Encoding.UTF8.GetBytes(filter));
        return subscription;
    }

    private static string RandomFilter(Random random)
    {
        var levels = Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.Next(4) == 0 ? "+" : RandomLevel(random)).ToList();
        if (random.Next(4) == 0)
        {
            levels.Add("#");
        }

        return string.Join('/', levels);
    }

    private static string RandomLevel(Random random) => random.Next(6) switch
    {
        0 => "$a",
        1 => "",
        2 => "longer-level-name",
        var n => ((char)('a' + n)).ToString(),
    };

    private struct Counter : ISubscriberVisitor
    {
        public int Count { get; private set; }

        public void VisitOwn(SubscriberSet subscribers)
        {
            foreach (var subscription in subscribers.Slots)
            {
                Count += subscription is null ? 0 : 1;
            }
        }

        public void VisitGroup(SubscriberSet members) => Count++;
    }

    private readonly struct Collector() : ISubscriberVisitor
    {
        public List<byte[]> Found { get; } = [];

        public void VisitOwn(SubscriberSet subscribers) => Found.AddRange(subscribers.Slots.OfType<Subscription>().Select(s => s.Filter));

        public void VisitGroup(SubscriberSet members) => Found.Add(members.Filter);
    }
}
