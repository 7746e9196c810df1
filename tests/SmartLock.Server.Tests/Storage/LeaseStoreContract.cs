using SmartLock.Server.Replicas;

namespace SmartLock.Server.Tests.Storage;

public abstract class LeaseStoreContract : IAsyncLifetime
{
    private static readonly DateTimeOffset Noon = StoreSet.Noon;
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(8);

    private protected ILeaseStore Leases { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Leases = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Its_holder_may_renew_it_and_nobody_else_may_have_it()
    {
        (await TakeAsync("a", Noon)).ShouldBeTrue();
        (await TakeAsync("b", Noon.AddSeconds(7))).ShouldBeFalse();
        (await TakeAsync("a", Noon.AddSeconds(7))).ShouldBeTrue();
        (await TakeAsync("b", Noon.AddSeconds(14))).ShouldBeFalse();
    }

    [Fact]
    public async Task Once_it_is_over_it_is_anybodys_and_its_holders_no_more()
    {
        await TakeAsync("a", Noon);

        (await TakeAsync("b", Noon + Length)).ShouldBeTrue();
        (await TakeAsync("a", Noon + Length)).ShouldBeFalse();
    }

    [Fact]
    public async Task Of_many_at_once_one_gets_it()
    {
        var taken = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => TakeAsync($"r{i}", Noon)));
        taken.Count(t => t).ShouldBe(1);

        var again = await Task.WhenAll(Enumerable.Range(20, 20).Select(i => TakeAsync($"r{i}", Noon + Length)));
        again.Count(t => t).ShouldBe(1);
    }

    [Fact]
    public async Task Released_it_is_free_at_once_but_only_its_holder_releases_it()
    {
        await TakeAsync("a", Noon);
        await Leases.ReleaseAsync("jobs", "b", default);
        (await TakeAsync("b", Noon)).ShouldBeFalse();

        await Leases.ReleaseAsync("jobs", "a", default);
        (await TakeAsync("b", Noon)).ShouldBeTrue();
        await Leases.ReleaseAsync("never taken", "a", default);
    }

    [Fact]
    public async Task Names_are_leases_of_their_own()
    {
        await TakeAsync("a", Noon);
        (await Leases.TryTakeAsync("other", "b", Noon, Noon + Length, default)).ShouldBeTrue();
    }

    [Fact]
    public async Task One_that_lasts_longer_than_any_was_written_before_the_clock_was_set_back()
    {
        await TakeAsync("a", Noon.AddHours(1));
        (await TakeAsync("b", Noon)).ShouldBeTrue();
    }

    private protected abstract Task<ILeaseStore> OpenAsync();

    private protected abstract Task CloseAsync();

    private Task<bool> TakeAsync(string holder, DateTimeOffset now) => Leases.TryTakeAsync("jobs", holder, now, now + Length, default);
}
