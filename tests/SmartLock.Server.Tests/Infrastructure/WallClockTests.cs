using SmartLock.Server.Infrastructure;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Infrastructure;

public sealed class WallClockTests
{
    private readonly FakeClock _clock = new();

    [Theory]
    [InlineData(-365 * 24)]
    [InlineData(-2)]
    [InlineData(2)]
    [InlineData(365 * 24)]
    public void A_clock_that_was_set_is_found_at_the_next_look_and_for_a_while_after(int hours)
    {
        var wall = new WallClock(_clock);
        _clock.Advance(TimeSpan.FromSeconds(7));
        wall.Look().ShouldBe(TimeSpan.Zero);

        _clock.Set(TimeSpan.FromHours(hours));
        _clock.Advance(TimeSpan.FromSeconds(3));

        wall.Look().ShouldBe(TimeSpan.FromHours(hours));
        wall.Look().ShouldBe(TimeSpan.Zero);
        wall.WasSetWithin(TimeSpan.FromSeconds(20)).ShouldBeTrue();
        _clock.Advance(TimeSpan.FromSeconds(20));
        wall.WasSetWithin(TimeSpan.FromSeconds(20)).ShouldBeFalse();
    }

    [Fact]
    public void Time_that_passes_and_small_corrections_are_no_setting()
    {
        var wall = new WallClock(_clock);
        _clock.Advance(TimeSpan.FromDays(1));
        _clock.Set(TimeSpan.FromSeconds(-2));
        wall.Look().ShouldBe(TimeSpan.Zero);
        wall.WasSetWithin(TimeSpan.FromDays(1)).ShouldBeFalse();
    }
}
