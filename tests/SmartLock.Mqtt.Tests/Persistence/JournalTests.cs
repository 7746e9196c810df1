using Microsoft.Extensions.Logging.Abstractions;
using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Broker.Persistence;
using SmartLock.Testing;

namespace SmartLock.Mqtt.Tests.Persistence;

public sealed class JournalTests : IDisposable
{
    private readonly MemorySessionStore _store = new();
    private readonly BrokerCounters _counters = new();
    private readonly SessionJournal _journal;

    public JournalTests()
    {
        _journal = new SessionJournal(_store, new BrokerClock(new FakeClock()), NullLogger.Instance);
    }

    [Fact]
    public async Task What_one_packet_changes_is_in_one_batch_with_whatever_overlaps_it()
    {
        var (one, other) = (default(Turn), default(Turn));
        _journal.Append(new MqttRetainedRemoved(default), ref one);
        _journal.Append(new MqttRetainedRemoved(default), ref other);
        one.End(_counters);
        _store.Attempts.ShouldBe(0);
        _journal.Append(new MqttRetainedRemoved(default), ref other);
        (one.HoldUntil, other.HoldUntil).ShouldBe((1, 1));
        other.End(_counters);
        await _journal.WhenSettledAsync().WaitAsync(TimeSpan.FromSeconds(20));
        (_store.Commits, _journal.Committed).ShouldBe((1, 1L));
    }

    [Fact]
    public async Task What_comes_during_a_commit_is_one_batch_after_it()
    {
        _store.Hold();
        for (var i = 0; i < 100; i++)
        {
            var turn = default(Turn);
            _journal.Append(new MqttRetainedRemoved(default), ref turn);
            turn.HoldUntil.ShouldBe(i == 0 ? 1 : 2);
            turn.End(_counters);
        }

        _store.LetGo();
        await _journal.WhenSettledAsync().WaitAsync(TimeSpan.FromSeconds(20));
        _store.Commits.ShouldBe(2);
    }

    [Fact]
    public async Task Many_at_once_are_all_committed_in_batches()
    {
        const int Each = 5_000;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < Each; i++)
            {
                var turn = default(Turn);
                _journal.Append(new MqttBrokerAlive(DateTimeOffset.UnixEpoch.AddSeconds(i)), ref turn);
                _journal.Append(new MqttRetainedRemoved(default), ref turn);
                turn.End(_counters);
                turn.HoldUntil.ShouldBeGreaterThan(0);
            }
        })));
        await _journal.WhenSettledAsync().WaitAsync(TimeSpan.FromSeconds(20));
        _journal.Committed.ShouldBe(_store.Commits);
        _store.Commits.ShouldBeLessThanOrEqualTo(4 * Each);
    }

    public void Dispose()
    {
        _journal.Dispose();
        _counters.Dispose();
    }
}
