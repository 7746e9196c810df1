using SmartLock.Mqtt.Broker;
using SmartLock.Testing;

namespace SmartLock.Mqtt.Tests.Broker;

public sealed class DeadlineQueueTests
{
    private readonly FakeClock _clock = new();
    private readonly List<(int Id, long At)> _fired = [];

    [Fact]
    public void They_fall_due_in_order_whatever_was_moved_or_cancelled()
    {
        using var queue = Create();
        var random = new Random(7);
        var items = Enumerable.Range(0, 500).Select(i => new Item(i, _fired)).ToArray();
        var due = new Dictionary<int, long>();
        for (var step = 0; step < 5000; step++)
        {
            var item = items[random.Next(items.Length)];
            if (random.Next(5) == 0)
            {
                queue.Cancel(item);
                due.Remove(item.Id);
                continue;
            }

            due[item.Id] = random.Next(1, 10_000);
            queue.Set(item, due[item.Id]);
        }

        queue.Count.ShouldBe(due.Count);
        _clock.PendingTimers.ShouldBe(1);
        _clock.Advance(TimeSpan.FromSeconds(10));
        _fired.Select(f => f.At).ShouldBeInOrder();
        _fired.ToDictionary(f => f.Id, f => f.At).ShouldBe(due, ignoreOrder: true);
        queue.Count.ShouldBe(0);
    }

    [Fact]
    public void One_that_fails_does_not_stop_the_next()
    {
        var errors = new List<Exception>();
        using var queue = new DeadlineQueue(new BrokerClock(_clock), errors.Add);
        queue.Set(new Failing(), 1);
        queue.Set(new Item(1, _fired), 2);
        _clock.Advance(TimeSpan.FromMilliseconds(2));
        errors.ShouldHaveSingleItem();
        _fired.ShouldBe([(1, 2)]);
    }

    private DeadlineQueue Create() => new(new BrokerClock(_clock), e => throw e);

    private sealed class Item(int id, List<(int Id, long At)> fired) : Deadline
    {
        public int Id { get; } = id;

        public override void OnDue(long now) => fired.Add((Id, DueAt));
    }

    private sealed class Failing : Deadline
    {
        public override void OnDue(long now) => throw new InvalidOperationException("on purpose");
    }
}
