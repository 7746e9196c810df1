using System.Globalization;
using SmartLock.Server.Accounts;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Accounts;

public sealed class SessionCacheTests
{
    private const int MoreThanAreCached = 25_000;

    [Fact]
    public async Task With_a_full_cache_every_session_is_still_answered_for_and_ends_at_once()
    {
        var store = new OneOwnersSessions();
        using var active = new SessionCache(store, new FakeClock());
        for (var i = 0; i < MoreThanAreCached; i++)
        {
            (await active.FindAsync(IdOf(i), default)).ShouldNotBeNull().SessionId.ShouldBe(IdOf(i));
        }

        store.AreEnded = true;
        active.Forget("ADA", IdOf(0));
        active.Forget("ada", IdOf(MoreThanAreCached - 1));
        (await active.FindAsync(IdOf(0), default)).ShouldBeNull();
        (await active.FindAsync(IdOf(MoreThanAreCached - 1), default)).ShouldBeNull();

        active.Forget("ADA");
        for (var i = 0; i < MoreThanAreCached; i++)
        {
            (await active.FindAsync(IdOf(i), default)).ShouldBeNull();
        }
    }

    [Fact]
    public async Task A_cached_answer_is_not_read_again_until_it_expires()
    {
        var (store, clock) = (new OneOwnersSessions(), new FakeClock());
        using var active = new SessionCache(store, clock);

        await active.FindAsync("S1", default);
        await active.FindAsync("S1", default);
        store.Reads.ShouldBe(1);
        clock.Advance(SessionCache.Remembered);
        await active.FindAsync("S1", default);

        store.Reads.ShouldBe(2);
    }

    [Theory]
    [InlineData(-365 * 24)]
    [InlineData(-2)]
    [InlineData(2)]
    [InlineData(365 * 24)]
    public async Task A_cached_answer_lasts_as_long_when_the_clock_is_set(int hours)
    {
        var (store, clock) = (new OneOwnersSessions(), new FakeClock());
        using var active = new SessionCache(store, clock);
        await active.FindAsync("S1", default);

        clock.Set(TimeSpan.FromHours(hours));
        clock.Advance(SessionCache.Remembered - TimeSpan.FromMilliseconds(1));
        await active.FindAsync("S1", default);
        store.Reads.ShouldBe(1);
        clock.Advance(TimeSpan.FromMilliseconds(1));
        await active.FindAsync("S1", default);

        store.Reads.ShouldBe(2);
    }

    private static string IdOf(int number) => number.ToString("D6", CultureInfo.InvariantCulture);

    /// <summary>All sessions there are belong to one account.</summary>
    private sealed class OneOwnersSessions : ISessionStore
    {
        public bool AreEnded { get; set; }

        public int Reads { get; private set; }

        public Task<SessionAccount?> FindAsync(string sessionId, DateTimeOffset now, CancellationToken ct)
        {
            Reads++;
            return Task.FromResult(AreEnded ? null : new SessionAccount(sessionId, "Ada", Role.User));
        }

        public Task<OpenSessionResult> OpenAsync(User user, NewSession session, int most, CancellationToken ct) => throw new NotSupportedException();

        public Task<bool> AnyAsync(CancellationToken ct) => throw new NotSupportedException();

        public Task<bool> IsKnownNetworkAsync(string username, string network, CancellationToken ct) => throw new NotSupportedException();

        public Task<RotateResult> RotateAsync(Rotation rotation, CancellationToken ct) => throw new NotSupportedException();

        public Task<IReadOnlyList<Session>> ListAsync(string username, DateTimeOffset now, CancellationToken ct) => throw new NotSupportedException();

        public Task<EndSessionOutcome> EndAsync(string username, string sessionId, CancellationToken ct) => throw new NotSupportedException();

        public Task<EndedSession?> EndByTokenAsync(byte[] tokenHash, CancellationToken ct) => throw new NotSupportedException();

        public Task<IReadOnlyList<string>> EndOthersAsync(string username, string sessionId, CancellationToken ct) => throw new NotSupportedException();

        public Task<IReadOnlyList<EndedSession>> DeleteExpiredAsync(DateTimeOffset now, int limit, CancellationToken ct) =>
            throw new NotSupportedException();

        public Task NoteRefusedAsync(string username, string result, DateTimeOffset now, CancellationToken ct) => throw new NotSupportedException();
    }
}
