using SmartLock.Server.Locks;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Tests.Locks;

public sealed class DeviceMutexTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly DeviceMutex _mutex = new();

    [Fact]
    public async Task One_device_has_one_turn_at_a_time()
    {
        var inside = 0;
        await Task.WhenAll(Enumerable.Range(0, 50).Select(async _ =>
        {
            using var turn = await _mutex.EnterAsync("D1", default);
            Interlocked.Increment(ref inside).ShouldBe(1);
            await Task.Yield();
            Interlocked.Decrement(ref inside);
        })).WaitAsync(Patience);
    }

    [Fact]
    public async Task A_turn_that_does_not_come_is_given_up()
    {
        using var first = await _mutex.EnterAsync("D1", default);

        await Should.ThrowAsync<StoreUnavailableException>(_mutex.EnterAsync("D1", default)).WaitAsync(Patience);
    }

    [Fact]
    public async Task A_caller_who_leaves_takes_no_turn()
    {
        using var gone = new CancellationTokenSource();
        using (await _mutex.EnterAsync("D1", default))
        {
            var waiting = _mutex.EnterAsync("D1", gone.Token);
            await gone.CancelAsync();
            await Should.ThrowAsync<OperationCanceledException>(waiting);
        }

        using var next = await _mutex.EnterAsync("D1", default).WaitAsync(Patience);
    }
}
