using SmartLock.Device.Tests.Rig;

namespace SmartLock.Device.Tests.Lights;

public sealed class SignalLightsTests
{
    private readonly FakeLight _red = new();
    private readonly FakeLight _green = new();
    private readonly SignalLights _lights;

    public SignalLightsTests()
    {
        _lights = new SignalLights(_red, _green);
    }

    [Theory]
    [InlineData(Signal.NoNetwork, 1)]
    [InlineData(Signal.NoBroker, 2)]
    [InlineData(Signal.ClockNotSet, 3)]
    public void Trouble_darkens_the_light_of_the_position_in_groups(Signal signal, int times)
    {
        _lights.Unlocked.Write(true);

        var shown = Show(signal, 0, SignalLights.GroupMs);

        shown.ShouldAllBe(s => !s.Red);
        Darkenings(shown.Select(s => s.Green)).ShouldBe(times);
        shown.Count(s => s.Green).ShouldBeGreaterThan(shown.Count / 2, "the position is still seen");
    }

    [Fact]
    public void All_well_is_steady()
    {
        _lights.Locked.Write(true);

        Show(Signal.Well, 0, 10_000).ShouldAllBe(s => s.Red && !s.Green);
    }

    [Fact]
    public void Trouble_with_a_bolt_that_nobody_knows_flashes_both()
    {
        var shown = Show(Signal.NoBroker, 0, SignalLights.GroupMs);

        shown.ShouldAllBe(s => s.Red == s.Green);
        Darkenings(shown.Select(s => !s.Red)).ShouldBe(2);
    }

    [Fact]
    public void A_board_that_is_not_set_up_shows_red_and_green_in_turn()
    {
        var shown = Show(Signal.NotSetUp, 0, 8000);

        shown.ShouldAllBe(s => s.Red != s.Green);
        Darkenings(shown.Select(s => s.Red)).ShouldBeInRange(9, 11);
    }

    [Fact]
    public void A_refused_command_flickers_for_two_seconds_whatever_else_there_is()
    {
        _lights.Locked.Write(true);
        _lights.CommandRefused(1000);

        var shown = Show(Signal.NoNetwork, 1000, SignalLights.RefusedMs - 100);

        shown.ShouldAllBe(s => s.Red == s.Green);
        Darkenings(shown.Select(s => s.Red)).ShouldBeGreaterThan(3);
        Show(Signal.Well, 1000 + SignalLights.RefusedMs, 1000).ShouldAllBe(s => s.Red && !s.Green);
    }

    private List<(bool Red, bool Green)> Show(Signal signal, long from, long ms)
    {
        var shown = new List<(bool, bool)>();
        for (var at = from; at < from + ms; at += 100)
        {
            _lights.Show(signal, at);
            shown.Add((_red.Lit, _green.Lit));
        }

        return shown;
    }

    private static int Darkenings(IEnumerable<bool> lit)
    {
        var was = true;
        var count = 0;
        foreach (var now in lit)
        {
            count += was && !now ? 1 : 0;
            was = now;
        }

        return count;
    }
}
