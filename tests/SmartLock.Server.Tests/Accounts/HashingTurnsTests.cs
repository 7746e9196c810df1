using SmartLock.Server.Accounts;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Accounts;

/// <summary>Whose password is hashed next.</summary>
public sealed class HashingTurnsTests
{
    private readonly FakeClock _clock = new();
    private readonly HashingTurns _turns;

    public HashingTurnsTests() => _turns = new HashingTurns(1, _clock);

    [Fact]
    public async Task A_turn_is_kept_free_for_who_is_known()
    {
        using var stranger = (await SignInAsync("192.0.2.1")).ShouldNotBeNull();
        var waiting = SignInAsync("192.0.3.1");

        using var known = (await Now(_turns.EnterAsync(HashingTurn.OfSignIn("203.0.113.7", isKnown: true), default))).ShouldNotBeNull();

        waiting.IsCompleted.ShouldBeFalse("the turn that is kept is not a stranger's");
        known.Dispose();
        waiting.IsCompleted.ShouldBeFalse();
        stranger.Dispose();
        (await Now(waiting)).ShouldNotBeNull();
    }

    [Theory]
    [InlineData("2001:db8:1:{0:x}::", "2001:db8:2:1::")]
    [InlineData("192.0.2.{0}", "192.0.3.1")]
    public async Task Of_networks_that_wait_the_one_that_had_least_is_next(string ofFlood, string other)
    {
        var running = (await SignInAsync(Address(ofFlood, 0))).ShouldNotBeNull();
        var flood = Enumerable.Range(1, 10).Select(i => SignInAsync(Address(ofFlood, i))).ToList();
        var late = SignInAsync(other);

        running.Dispose();

        var next = await Now(late);
        flood.ShouldAllBe(f => !f.IsCompleted);
        next!.Dispose();
        (await Now(flood[0])).ShouldNotBeNull("the others in their order");
    }

    [Fact]
    public async Task When_too_many_wait_the_network_that_waits_most_often_gives_way()
    {
        using var running = await SignInAsync("192.0.2.1");
        var flood = Enumerable.Range(0, HashingTurns.MostWaiting).Select(i => SignInAsync($"2001:db8:1:{i:x}::")).ToList();

        (await Now(SignInAsync("2001:db8:1:ffff::"))).ShouldBeNull();
        flood.ShouldAllBe(f => !f.IsCompleted);
        var owner = SignInAsync("203.0.113.7");

        owner.IsCompleted.ShouldBeFalse();
        (await Now(flood[^1])).ShouldBeNull();
        flood[..^1].ShouldAllBe(f => !f.IsCompleted);
    }

    [Fact]
    public async Task Registrations_hold_no_sign_in_up()
    {
        var running = (await SignInAsync("192.0.2.1")).ShouldNotBeNull();
        var registrations = Enumerable.Range(0, 30).Select(i => _turns.EnterAsync(HashingTurn.OfRegistration($"100.{i}.0.1"), default)).ToList();
        var signIn = SignInAsync("203.0.113.7");

        running.Dispose();
        if (await Task.WhenAny(signIn, registrations[0]) != signIn)
        {
            (await registrations[0])!.Dispose();
        }

        (await Now(signIn)).ShouldNotBeNull();
        registrations[1..].ShouldAllBe(r => !r.IsCompleted);
    }

    [Fact]
    public async Task Who_hangs_up_while_waiting_takes_no_turn()
    {
        var running = (await SignInAsync("192.0.2.1")).ShouldNotBeNull();
        using var hangUp = new CancellationTokenSource();
        var gone = _turns.EnterAsync(HashingTurn.OfSignIn("192.0.3.1", isKnown: false), hangUp.Token);
        var other = SignInAsync("192.0.4.1");

        await hangUp.CancelAsync();
        running.Dispose();

        await Should.ThrowAsync<OperationCanceledException>(async () => await gone);
        (await Now(other)).ShouldNotBeNull();
    }

    [Fact]
    public async Task What_a_network_had_is_forgotten()
    {
        for (var i = 0; i < 20; i++)
        {
            (await SignInAsync("192.0.2.1"))!.Dispose();
        }

        _clock.Advance(TimeSpan.FromMinutes(10));
        (await SignInAsync("192.0.3.1"))!.Dispose();
        var running = (await SignInAsync("192.0.4.1")).ShouldNotBeNull();
        var (busy, quiet) = (SignInAsync("192.0.3.1"), SignInAsync("192.0.2.1"));

        running.Dispose();

        (await Now(quiet)).ShouldNotBeNull();
        busy.IsCompleted.ShouldBeFalse();
    }

    private static string Address(string form, int i) => string.Format(System.Globalization.CultureInfo.InvariantCulture, form, i);

    private Task<IDisposable?> SignInAsync(string address) => _turns.EnterAsync(HashingTurn.OfSignIn(address, isKnown: false), default);

    private static Task<IDisposable?> Now(Task<IDisposable?> turn) => turn.WaitAsync(TimeSpan.FromSeconds(20));
}
