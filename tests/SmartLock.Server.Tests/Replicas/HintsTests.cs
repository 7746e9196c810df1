using SmartLock.Server.Replicas;

namespace SmartLock.Server.Tests.Replicas;

public sealed class HintsTests
{
    [Fact]
    public async Task They_are_taken_in_order_and_a_lock_that_waits_waits_once()
    {
        var hints = new Hints(hasReplicas: true);
        hints.LocksChanged(["A", "B"]);
        hints.KeyChanged("C");
        hints.LocksChanged(["A"]);

        (await TakeAsync(hints)).ShouldBe([new Hint(HintKind.Lock, "A"), new Hint(HintKind.Lock, "B"), new Hint(HintKind.Key, "C")]);
        hints.LocksChanged(["A"]);
        hints.Take().ShouldBe([new Hint(HintKind.Lock, "A")]);
        hints.Take().ShouldBeEmpty();
    }

    [Fact]
    public async Task Whoever_waits_is_woken()
    {
        var hints = new Hints(hasReplicas: true);
        var taking = TakeAsync(hints);
        taking.IsCompleted.ShouldBeFalse();

        hints.SessionsEnded("ada", null);

        (await taking.WaitAsync(TimeSpan.FromSeconds(10))).ShouldBe([new Hint(HintKind.Session, "ada")]);
    }

    [Fact]
    public void When_too_many_wait_one_word_stands_for_all()
    {
        var hints = new Hints(hasReplicas: true);
        hints.LocksChanged([.. Enumerable.Range(0, 20_001).Select(i => $"D{i}")]);

        hints.Take().ShouldBe([new Hint(HintKind.Everything, "")]);
    }

    [Fact]
    public void Alone_there_is_nobody_to_tell()
    {
        var hints = new Hints(hasReplicas: false);
        hints.LocksChanged(["A"]);
        hints.AccessChanged("A", ["ada"]);
        hints.KeyChanged("A");
        hints.SessionsEnded("ada", null);

        hints.Take().ShouldBeEmpty();
    }

    private static Task<List<Hint>> TakeAsync(Hints hints) => hints.TakeAsync(TimeSpan.FromSeconds(30), TimeProvider.System, default);
}
