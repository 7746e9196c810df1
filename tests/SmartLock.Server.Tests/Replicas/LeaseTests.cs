using Microsoft.Extensions.Logging.Abstractions;
using SmartLock.Server.Replicas;
using SmartLock.Server.Storage.Sqlite;
using SmartLock.Server.Tests.Storage.Sqlite;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Replicas;

/// <summary>Who may run the jobs, as time goes by.</summary>
public sealed class LeaseTests : IDisposable
{
    private readonly SqliteTestFile _file = new();
    private readonly FakeClock _clock = new();

    [Fact]
    public async Task Another_takes_over_within_ten_seconds_of_the_holders_end()
    {
        var (first, second) = (NewLease(), NewLease());
        (await first.RenewAsync(default)).ShouldBeTrue();
        (await second.RenewAsync(default)).ShouldBeFalse();
        (await first.RenewAsync(default)).ShouldBeFalse("it was held before");

        // Killed: it renews no more.
        var waited = TimeSpan.Zero;
        while (!second.IsHeld)
        {
            _clock.Advance(Lease.RenewEvery);
            waited += Lease.RenewEvery;
            await second.RenewAsync(default);
        }

        waited.ShouldBeLessThanOrEqualTo(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task One_that_was_paused_knows_on_waking_that_its_time_is_over()
    {
        var (first, second) = (NewLease(), NewLease());
        await first.RenewAsync(default);
        first.IsHeld.ShouldBeTrue();

        _clock.Advance(Lease.Length);
        first.IsHeld.ShouldBeFalse();
        (await second.RenewAsync(default)).ShouldBeTrue();
        (await first.RenewAsync(default)).ShouldBeFalse();
        first.IsHeld.ShouldBeFalse();
    }

    [Fact]
    public async Task It_ends_for_its_holder_before_it_ends_for_the_others()
    {
        var lease = NewLease();
        await lease.RenewAsync(default);

        _clock.Advance(Lease.Length - TimeSpan.FromSeconds(1));
        lease.IsHeld.ShouldBeFalse();
        (await NewLease().RenewAsync(default)).ShouldBeFalse();
    }

    [Fact]
    public async Task Given_up_it_is_anothers_at_once()
    {
        var (first, second) = (NewLease(), NewLease());
        await first.RenewAsync(default);
        await second.ReleaseAsync(default);
        (await second.RenewAsync(default)).ShouldBeFalse();

        await first.ReleaseAsync(default);
        (first.IsHeld, await second.RenewAsync(default)).ShouldBe((false, true));
    }

    public void Dispose() => _file.Dispose();

    private Lease NewLease() => new("jobs", new SqliteLeaseStore(_file.Database), new ReplicaId(), _clock, NullLogger.Instance);
}
