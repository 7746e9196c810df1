using Microsoft.Extensions.Logging;
using SmartLock.Server.Infrastructure;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Infrastructure;

public sealed partial class FailureLogTests : IDisposable
{
    private static readonly StoreUnavailableException Unavailable = new("the disk is full", new IOException());
    private static readonly InvalidOperationException Bug = new("of the test");

    private readonly FakeClock _clock = new();
    private readonly LogLines _lines = new();
    private readonly FailureLog _failures;

    public FailureLogTests() => _failures = new FailureLog(_lines.CreateLogger("feature"), _clock, LogDelayed, LogFailed);

    public void Dispose() => _lines.Dispose();

    [Fact]
    public void An_unavailable_store_is_logged_by_its_reason()
    {
        _failures.Log(Unavailable);

        _lines.All.ShouldHaveSingleItem().ShouldBe(new LogLine(LogLevel.Warning, "feature", "It is delayed: the disk is full", null));
    }

    [Fact]
    public void Any_other_failure_is_logged_with_its_stack_trace()
    {
        _failures.Log(Bug);

        _lines.All.ShouldHaveSingleItem().ShouldBe(new LogLine(LogLevel.Error, "feature", "It failed", Bug));
    }

    [Fact]
    public void One_line_in_ten_seconds_and_then_the_number_of_those_not_logged()
    {
        for (var i = 0; i < 10; i++)
        {
            _failures.Log(i == 5 ? Bug : Unavailable);
            _clock.Advance(TimeSpan.FromSeconds(0.999));
        }

        _lines.All.Count.ShouldBe(1);
        _clock.Advance(TimeSpan.FromSeconds(0.01));
        _failures.Log(Bug);

        _lines.All.Skip(1).ShouldBe(
        [
            new LogLine(LogLevel.Error, "feature", "It failed", Bug),
            new LogLine(LogLevel.Warning, "feature", "9 more failures were not logged since the line before", null),
        ]);
    }

    [Fact]
    public void Failures_that_were_not_logged_are_counted_once()
    {
        _failures.Log(Unavailable);
        _failures.Log(Unavailable);
        _clock.Advance(TimeSpan.FromSeconds(10));
        _failures.Log(Unavailable);
        _clock.Advance(TimeSpan.FromSeconds(10));
        _failures.Log(Unavailable);

        _lines.All.Count(l => l.Text.Contains("not logged", StringComparison.Ordinal)).ShouldBe(1);
    }

    [LoggerMessage(1, LogLevel.Warning, "It is delayed: {Reason}")]
    private static partial void LogDelayed(ILogger log, string reason);

    [LoggerMessage(2, LogLevel.Error, "It failed")]
    private static partial void LogFailed(ILogger log, Exception e);
}
