using SmartLock.Server.Infrastructure;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Infrastructure;

public sealed class CoalescingQueueTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly CoalescingQueue<string> _queue = new(capacity: 3);
    private readonly WakeUp _wakeUp = new();

    [Fact]
    public void Items_are_taken_in_order_and_an_equal_one_is_queued_once()
    {
        _queue.TryAdd("a").ShouldBeTrue();
        _queue.TryAdd("b").ShouldBeTrue();
        _queue.TryAdd("a").ShouldBeTrue();

        _queue.Take(1).ShouldBe(["a"]);
        _queue.TryAdd("a").ShouldBeTrue();
        _queue.Take(10).ShouldBe(["b", "a"]);
        _queue.Take(10).ShouldBeEmpty();
    }

    [Fact]
    public void A_full_queue_refuses_new_items_and_takes_equal_ones()
    {
        foreach (var item in (string[])["a", "b", "c"])
        {
            _queue.TryAdd(item).ShouldBeTrue();
        }

        _queue.TryAdd("d").ShouldBeFalse();
        _queue.TryAdd("b").ShouldBeTrue();
        _queue.Count.ShouldBe(3);
        _queue.Take(1);
        _queue.TryAdd("d").ShouldBeTrue("a refused item is not remembered as queued");
        _queue.Take(10).ShouldBe(["b", "c", "d"]);
    }

    [Fact]
    public async Task An_item_ends_the_wait()
    {
        var wait = _queue.WaitAsync(default);
        wait.IsCompleted.ShouldBeFalse();

        _queue.TryAdd("a");

        await wait.WaitAsync(Patience);
        _queue.Take(10).ShouldBe(["a"]);
    }

    [Fact]
    public async Task A_wait_with_a_limit_ends_by_the_clock_and_the_queue_works_on()
    {
        var clock = new FakeClock();
        var wait = _queue.WaitAsync(TimeSpan.FromSeconds(1), clock, default);
        clock.Advance(TimeSpan.FromSeconds(1));
        await wait.WaitAsync(Patience);

        _queue.TryAdd("a");

        await _queue.WaitAsync(default).WaitAsync(Patience);
        _queue.Take(10).ShouldBe(["a"]);
    }

    [Fact]
    public async Task A_cancelled_wait_throws_and_the_queue_works_on()
    {
        using var cts = new CancellationTokenSource();
        var (wait, limited) = (_queue.WaitAsync(cts.Token), _queue.WaitAsync(Patience, new FakeClock(), cts.Token));
        await cts.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => wait);
        await Should.ThrowAsync<OperationCanceledException>(() => limited);

        _queue.TryAdd("a");

        _queue.Take(10).ShouldBe(["a"]);
    }

    [Fact]
    public async Task Wake_up_calls_before_the_wait_count_as_one()
    {
        _wakeUp.Set();
        _wakeUp.Set();

        await _wakeUp.WaitAsync(default).WaitAsync(Patience);
        var next = _wakeUp.WaitAsync(default);
        next.IsCompleted.ShouldBeFalse();
        _wakeUp.Set();
        await next.WaitAsync(Patience);
    }
}
