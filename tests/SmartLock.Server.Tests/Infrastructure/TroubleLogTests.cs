using Microsoft.Extensions.Logging;
using SmartLock.Server.Infrastructure;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Infrastructure;

public sealed partial class TroubleLogTests : IDisposable
{
    private static readonly StoreUnavailableException Away = new("the disk is full", new IOException());
    private static readonly InvalidOperationException Bug = new("of the test");

    private readonly FakeClock _clock = new();
    private readonly LogLines _lines = new();
    private readonly TroubleLog _trouble;

    public TroubleLogTests() => _trouble = new TroubleLog(_lines.CreateLogger("feature"), _clock, LogAway, LogFailed);

    public void Dispose() => _lines.Dispose();

    [Fact]
    public void A_store_that_is_away_is_told_in_a_word()
    {
        _trouble.Log(Away);

        _lines.All.ShouldHaveSingleItem().ShouldBe(new LogLine(LogLevel.Warning, "feature", "It waits: the disk is full", null));
    }

    [Fact]
    public void Anything_else_is_told_with_its_trace()
    {
        _trouble.Log(Bug);

        _lines.All.ShouldHaveSingleItem().ShouldBe(new LogLine(LogLevel.Error, "feature", "It failed", Bug));
    }

    [Fact]
    public void Within_ten_seconds_once_and_then_with_the_number_of_those_held_back()
    {
        for (var i = 0; i < 10; i++)
        {
            _trouble.Log(i == 5 ? Bug : Away);
            _clock.Advance(TimeSpan.FromSeconds(0.999));
        }

        _lines.All.Count.ShouldBe(1);
        _clock.Advance(TimeSpan.FromSeconds(0.01));
        _trouble.Log(Bug);

        _lines.All.Skip(1).ShouldBe(
        [
            new LogLine(LogLevel.Error, "feature", "It failed", Bug),
            new LogLine(LogLevel.Warning, "feature", "9 more failures were held back since the line before", null),
        ]);
    }

    [Fact]
    public void What_was_held_back_is_counted_once()
    {
        _trouble.Log(Away);
        _trouble.Log(Away);
        _clock.Advance(TimeSpan.FromSeconds(10));
        _trouble.Log(Away);
        _clock.Advance(TimeSpan.FromSeconds(10));
        _trouble.Log(Away);

        _lines.All.Count(l => l.Text.Contains("held back", StringComparison.Ordinal)).ShouldBe(1);
    }

    [LoggerMessage(1, LogLevel.Warning, "It waits: {Reason}")]
    private static partial void LogAway(ILogger log, string reason);

    [LoggerMessage(2, LogLevel.Error, "It failed")]
    private static partial void LogFailed(ILogger log, Exception e);
}
