using SmartLock.Server.Locks;

namespace SmartLock.Server.Tests.Locks;

public sealed class HeartbeatGapsTests
{
    private static readonly DateTimeOffset Since = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Now = Since.AddHours(24);

    /// <summary>
    /// Changes oldest first as minutes after the day's beginning, <c>-</c> for lost and <c>+</c> for back; expected gaps newest first as
    /// from..until, in minutes, or <c>now</c>.
    /// </summary>
    [Theory]
    [InlineData("", "", 0)]
    [InlineData("+10", "", 0)]
    [InlineData("-10 +12", "10..12", 120)]
    [InlineData("-10 +12 -20 +25", "20..25 10..12", 420)]
    [InlineData("-1430", "1430..now", 600)]
    [InlineData("-10 +12 -1430", "1430..now 10..12", 720)]
    [InlineData("--60 +5", "0..5", 300)]
    [InlineData("--60", "0..now", 86_400)]
    [InlineData("+-60", "", 0)]
    [InlineData("+-60 -10 +12", "10..12", 120)]
    [InlineData("--60 +0", "", 0)]
    [InlineData("--60 +-30 -10 +11", "10..11", 60)]
    [InlineData("-10 -11 +12", "10..12", 120)]
    [InlineData("-10 +12 +13", "10..12", 120)]
    [InlineData("-12 +10", "12..10", 0)]
    [InlineData("-1500", "1500..now", 0)]
    public void Changes_of_state_become_the_gaps_between_them(string changes, string expected, long seconds)
    {
        var summary = HeartbeatGaps.Of([.. Parse(changes).Reverse()], Since, Now);

        string.Join(' ', summary.Gaps.Select(Write)).ShouldBe(expected);
        summary.TotalSeconds.ShouldBe(seconds);
        summary.Count.ShouldBe(summary.Gaps.Count);
    }

    [Fact]
    public void A_gap_tells_why_it_began()
    {
        StateChange[] changes = [new(Since.AddMinutes(2), null), new(Since.AddMinutes(1), "No heartbeat"), new(Since.AddMinutes(0), "Connection lost")];

        var gap = HeartbeatGaps.Of(changes, Since, Now).Gaps.ShouldHaveSingleItem();

        gap.ShouldBe(new HeartbeatGap(Since, Since.AddMinutes(2), 120, "Connection lost"));
    }

    [Fact]
    public void Of_many_gaps_the_newest_are_listed_and_all_are_counted()
    {
        var changes = Enumerable.Range(0, 120).SelectMany(i => new StateChange[]
        {
            new(Since.AddMinutes(i * 10), "Connection lost"),
            new(Since.AddMinutes((i * 10) + 1), null),
        });

        var summary = HeartbeatGaps.Of([.. changes.Reverse()], Since, Now);

        summary.Gaps.Count.ShouldBe(HeartbeatGaps.MaxListed);
        summary.Gaps[0].From.ShouldBe(Since.AddMinutes(1190));
        summary.Count.ShouldBe(120);
        summary.TotalSeconds.ShouldBe(120 * 60);
    }

    private static IEnumerable<StateChange> Parse(string changes) =>
        from word in changes.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        let minutes = int.Parse(word[1..], System.Globalization.CultureInfo.InvariantCulture)
        select new StateChange(Since.AddMinutes(minutes), word[0] == '-' ? "Connection lost" : null);

    private static string Write(HeartbeatGap gap) =>
        $"{(gap.From - Since).TotalMinutes}..{(gap.Until is { } until ? $"{(until - Since).TotalMinutes}" : "now")}";
}
