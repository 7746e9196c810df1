using SmartLock.Server.Accounts;
using SmartLock.Server.Commands;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;
using SmartLock.Server.Messaging;
using SmartLock.Server.Replicas;

namespace SmartLock.Server.Tests.Replicas;

public sealed class InvalidationQueueTests
{
    private readonly Events<LocksChanged> _locks = new();
    private readonly Events<LockAccessChanged> _access = new();
    private readonly Events<DeviceKeyChanged> _keys = new();
    private readonly Events<SessionsEnded> _sessions = new();
    private readonly InvalidationQueue _queue;

    public InvalidationQueueTests() => _queue = new InvalidationQueue(_locks, new Events<CommandsChanged>(), _access, _keys, _sessions);

    [Fact]
    public async Task Changes_are_taken_in_order_and_a_queued_one_is_queued_once()
    {
        _locks.Publish(new LocksChanged(["A", "B"]));
        _keys.Publish(new DeviceKeyChanged("C"));
        _locks.Publish(new LocksChanged(["A"]));

        (await TakeAsync()).ShouldBe([new(InvalidationKind.Lock, "A"), new(InvalidationKind.Lock, "B"), new(InvalidationKind.Key, "C")]);
        _locks.Publish(new LocksChanged(["A"]));
        _queue.Take().ShouldBe([new(InvalidationKind.Lock, "A")]);
        _queue.Take().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_change_ends_the_wait()
    {
        var taking = TakeAsync();
        taking.IsCompleted.ShouldBeFalse();

        _sessions.Publish(new SessionsEnded("ada", null));

        (await taking.WaitAsync(TimeSpan.FromSeconds(10))).ShouldBe([new(InvalidationKind.Session, "ada")]);
    }

    [Fact]
    public void When_the_queue_overflows_one_message_stands_for_all()
    {
        _access.Publish(LockAccessChanged.Of("A", "ada", "ADA"));
        _locks.Publish(new LocksChanged([.. Enumerable.Range(0, 20_001).Select(i => $"D{i}")]));

        _queue.Take().ShouldBe([new(InvalidationKind.Everything, "")]);
    }

    private Task<List<CacheInvalidation>> TakeAsync() => _queue.TakeAsync(TimeSpan.FromSeconds(30), TimeProvider.System, default);
}
