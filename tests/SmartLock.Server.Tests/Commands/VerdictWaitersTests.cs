using Microsoft.Extensions.Hosting;
using SmartLock.Server.Commands;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Commands;

public sealed class VerdictWaitersTests : IDisposable
{
    private readonly FakeClock _clock = new();
    private readonly Lifetime _lifetime = new();
    private readonly VerdictWaiters _waiters;

    public VerdictWaitersTests()
    {
        _waiters = new VerdictWaiters(_lifetime);
    }

    public void Dispose() => _lifetime.Dispose();

    [Fact]
    public async Task All_who_wait_for_a_command_learn_its_verdict()
    {
        using var first = _waiters.Begin("C1");
        using var second = _waiters.Begin("C1");
        var answers = Task.WhenAll(first.ForAsync(TimeSpan.FromSeconds(5), _clock, default), second.ForAsync(TimeSpan.FromSeconds(5), _clock, default));

        _waiters.Complete(Decided("C2"));
        answers.IsCompleted.ShouldBeFalse();
        _waiters.Complete(Decided("C1"));

        (await answers).ShouldAllBe(c => c!.State == CommandState.Done);
    }

    [Fact]
    public async Task One_who_gives_up_does_not_end_the_others_wait()
    {
        using var patient = _waiters.Begin("C1");
        var answer = patient.ForAsync(TimeSpan.FromSeconds(60), _clock, default);
        using (var hasty = _waiters.Begin("C1"))
        {
            var none = hasty.ForAsync(TimeSpan.FromSeconds(1), _clock, default);
            _clock.Advance(TimeSpan.FromSeconds(2));
            (await none).ShouldBeNull();
        }

        _waiters.Complete(Decided("C1"));

        (await answer).ShouldNotBeNull();
    }

    [Fact]
    public async Task A_verdict_before_the_wait_is_not_missed()
    {
        using var wait = _waiters.Begin("C1");
        _waiters.Complete(Decided("C1"));

        (await wait.ForAsync(TimeSpan.FromSeconds(1), _clock, default)).ShouldNotBeNull();
    }

    [Fact]
    public async Task A_server_that_stops_keeps_nobody_waiting()
    {
        using var wait = _waiters.Begin("C1");
        var answer = wait.ForAsync(TimeSpan.FromSeconds(30), _clock, default);

        _lifetime.StopApplication();

        (await answer.WaitAsync(TimeSpan.FromSeconds(10))).ShouldBeNull();
    }

    private sealed class Lifetime : IHostApplicationLifetime, IDisposable
    {
        private readonly CancellationTokenSource _stopping = new();

        public CancellationToken ApplicationStarted => default;

        public CancellationToken ApplicationStopping => _stopping.Token;

        public CancellationToken ApplicationStopped => default;

        public void StopApplication() => _stopping.Cancel();

        public void Dispose() => _stopping.Dispose();
    }

    private Command Decided(string id) =>
        new(id, "A", CommandAction.Unlock, "alice", _clock.GetUtcNow(), _clock.GetUtcNow().AddSeconds(10), CommandState.Done, "done", _clock.GetUtcNow());
}
