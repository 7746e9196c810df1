using SmartLock.Server.Infrastructure;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Infrastructure;

public sealed class AsyncSignalTests
{
    private readonly AsyncSignal _signal = new();

    [Fact]
    public void Signals_before_the_wait_are_one_signal()
    {
        _signal.Set();
        _signal.Set();

        _signal.WaitAsync(default).IsCompletedSuccessfully.ShouldBeTrue();
        _signal.WaitAsync(default).IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public async Task A_signal_ends_the_wait()
    {
        var wait = _signal.WaitAsync(default);
        wait.IsCompleted.ShouldBeFalse();

        _signal.Set();

        await wait.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_wait_that_ran_out_of_time_takes_no_later_signal_with_it()
    {
        var clock = new FakeClock();
        var wait = _signal.WaitAsync(TimeSpan.FromSeconds(1), clock, default);
        clock.Advance(TimeSpan.FromSeconds(1));
        await wait.WaitAsync(TimeSpan.FromSeconds(10));

        _signal.Set();

        _signal.WaitAsync(default).IsCompletedSuccessfully.ShouldBeTrue();
    }

    [Fact]
    public async Task A_cancelled_wait_takes_no_later_signal_with_it()
    {
        using var cts = new CancellationTokenSource();
        var wait = _signal.WaitAsync(cts.Token);
        await cts.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => wait);

        _signal.Set();

        _signal.WaitAsync(default).IsCompletedSuccessfully.ShouldBeTrue();
    }
}
