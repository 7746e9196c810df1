using SmartLock.Testing.Scenarios;

namespace SmartLock.Device.Tests.Scenarios;

public sealed class BrainScenarioTests
{
    [Fact]
    public async Task The_brain_does_what_the_scenario_says()
    {
        var lines = Scenario.Lock();

        var transcript = await PlayAsync(new BrainBench(), lines);

        ScenarioPlayer.FirstDifference(lines, transcript).ShouldBeNull();
        transcript.Count.ShouldBeGreaterThan(100);
    }

    [Fact]
    public async Task A_wrong_expectation_on_any_line_is_found()
    {
        var lines = Scenario.Lock();
        var transcript = await PlayAsync(new BrainBench(), lines);
        for (var at = 0; at < lines.Count; at++)
        {
            ScenarioLine[] wrong = [.. lines];
            wrong[at] = lines[at] with { Expected = lines[at].Expected == "silence" ? "A done, Unlocked" : "silence" };

            ScenarioPlayer.FirstDifference(wrong, transcript).ShouldNotBeNull()
                .ShouldBe($"expected  {lines[at].Number} {lines[at].Action}: {wrong[at].Expected}\nbut was   {transcript[at]}");
        }

        ScenarioPlayer.FirstDifference(lines, [.. transcript.SkipLast(1)]).ShouldNotBeNull().ShouldEndWith("but was   (nothing)");
    }

    [Fact]
    public async Task A_lock_that_forgets_with_its_power_is_found_out()
    {
        var lines = Scenario.Lock();

        var transcript = await PlayAsync(new BrainBench { HasForgetfulFlash = true }, lines);

        ScenarioPlayer.FirstDifference(lines, transcript).ShouldNotBeNull().ShouldContain("power-on: no verdict, Locked");
    }

    [Theory]
    [InlineData("connect")]
    [InlineData(" -> silence")]
    public void A_line_without_an_action_and_its_outcome_is_no_scenario(string text) =>
        Should.Throw<FormatException>(() => Scenario.Read(text));

    [Theory]
    [InlineData("dance -> silence")]
    [InlineData("UNLOCK A colour=red -> silence")]
    [InlineData("UNLOCK A retaind -> silence")]
    [InlineData("wait 5 -> silence")]
    public async Task An_action_that_nobody_knows_fails(string text) =>
        await Should.ThrowAsync<FormatException>(() => PlayAsync(new BrainBench(), Scenario.Read(text)));

    private static Task<IReadOnlyList<string>> PlayAsync(BrainBench bench, IReadOnlyList<ScenarioLine> lines) =>
        new ScenarioPlayer(bench.Server, bench).PlayAsync(lines);
}
