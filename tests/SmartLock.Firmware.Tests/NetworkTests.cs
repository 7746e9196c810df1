using SmartLock.Device;
using SmartLock.Firmware.Shapes;

namespace SmartLock.Firmware.Tests;

public sealed class NetworkTests
{
    private readonly Bench _bench = Bench.PutOnTable();

    [Fact]
    public void It_is_up_once_it_has_an_address()
    {
        var wifi = Wifi("correct horse");

        wifi.IsUp.ShouldBeFalse();
        wifi.Connect(10_000).ShouldBeTrue();
        wifi.IsUp.ShouldBeTrue();
    }

    [Fact]
    public void A_network_that_is_not_there_is_given_up_in_time()
    {
        _bench.Air.IsOn = false;

        Wifi("correct horse").Connect(50).ShouldBeFalse();
    }

    [Fact]
    public void A_wrong_password_never_brings_it_up()
    {
        var wifi = Wifi("battery staple");

        wifi.Connect(50).ShouldBeFalse();
        wifi.IsUp.ShouldBeFalse();
    }

    [Fact]
    public void A_network_that_is_away_for_long_costs_neither_memory_nor_flash()
    {
        var wifi = Wifi("correct horse");
        _bench.Air.IsOn = false;
        for (var i = 0; i < 20; i++)
        {
            wifi.Connect(1).ShouldBeFalse();
        }

        _bench.Air.WifiObjectsMade.ShouldBe(1, "the runtime never gives one back");
        _bench.Air.TimesKept.ShouldBe(1);
        _bench.Air.IsOn = true;
        wifi.Connect(10_000).ShouldBeTrue();
    }

    [Fact]
    public void What_the_chip_remembers_already_is_not_written_again()
    {
        Wifi("correct horse").Connect(10_000).ShouldBeTrue();
        Wifi("correct horse").Connect(10_000).ShouldBeTrue();

        _bench.Air.TimesKept.ShouldBe(1);
        _bench.Air.KeptSsid.ShouldBe("home");
    }

    [Fact]
    public void It_sees_the_network_go_and_come_back_by_itself()
    {
        var wifi = Wifi("correct horse");
        wifi.Connect(10_000).ShouldBeTrue();

        _bench.Air.IsOn = false;
        wifi.IsUp.ShouldBeFalse();
        _bench.Air.IsOn = true;
        wifi.IsUp.ShouldBeTrue();
    }

    [Fact]
    public void What_is_wrong_with_the_radio_is_said()
    {
        _bench.Air.Trouble = new InvalidOperationException("no adapter");

        Should.Throw<InvalidOperationException>(() => Wifi("correct horse").Connect(50)).Message.ShouldBe("no adapter");
    }

    [Fact]
    public void The_clock_counts_from_1970()
    {
        var before = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();

        var now = new BoardClock().UnixMs;

        now.ShouldBeInRange(before, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
    }

    [Fact]
    public void A_clock_that_is_older_than_this_program_is_not_set()
    {
        BoardClock.ToUnixMs(DateTime.UnixEpoch).ShouldBe(0);
        BoardClock.ToUnixMs(new DateTime(2024, 12, 31, 23, 59, 59, DateTimeKind.Utc)).ShouldBe(0);
        BoardClock.ToUnixMs(new DateTime(2025, 1, 1, 0, 0, 0, DateTimeKind.Utc)).ShouldBe(1_735_689_600_000);
    }

    private static WifiNetwork Wifi(string password) => new(new DeviceSettings { WifiSsid = "home", WifiPassword = password });
}
