using SmartLock.Server.Locks;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Locks;

public sealed class RefusalRecordsTests
{
    public const int Free = RefusalRecords.FreeAtLock;

    private readonly FakeClock _clock = new();
    private readonly RefusalRecords _records;

    public RefusalRecordsTests() => _records = new RefusalRecords(_clock);

    [Fact]
    public void The_first_ones_are_recorded_and_then_one_in_ten_minutes()
    {
        Try(1000, "D1", "eve", "192.0.2.1").ShouldBe(Free);

        var recorded = 0;
        for (var second = 0; second < 24 * 3600; second++)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            recorded += Try(1, "D1", "eve", "192.0.2.1");
        }

        recorded.ShouldBeInRange(24 * 6, (24 * 6) + 10, "ever further apart, and no further than ten minutes");
    }

    [Fact]
    public void More_accounts_of_one_network_record_no_more()
    {
        var recorded = Enumerable.Range(0, 100).Sum(i => Try(10, "D1", $"eve{i}", "192.0.2.1"));

        recorded.ShouldBe(Free);
    }

    [Fact]
    public void More_networks_of_one_account_record_no_more()
    {
        var recorded = Enumerable.Range(0, 100).Sum(i => Try(10, "D1", "eve", $"192.0.2.{i}"));

        recorded.ShouldBe(Free);
    }

    [Fact]
    public void Any_number_of_accounts_and_networks_have_a_bound_at_one_lock()
    {
        var recorded = Enumerable.Range(0, 2000).Sum(i => Try(1, "D1", $"eve{i}", $"10.0.{i / 250}.{i % 250}"));

        recorded.ShouldBe(RefusalRecords.Free);
        Try(1, "D2", "mallory", "198.51.100.1").ShouldBe(1, "at another lock others are recorded");
    }

    [Fact]
    public void One_account_has_a_bound_at_all_locks_together()
    {
        var recorded = Enumerable.Range(0, 2000).Sum(i => Try(1, $"D{i}", "eve", "192.0.2.1"));

        recorded.ShouldBe(RefusalRecords.Free);
    }

    private int Try(int times, string deviceId, string actor, string network)
    {
        var recorded = 0;
        for (var i = 0; i < times; i++)
        {
            if (_records.MayRecord(deviceId, actor, network))
            {
                _records.Count(deviceId, actor, network);
                recorded++;
            }
        }

        return recorded;
    }
}
