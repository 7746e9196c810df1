using SmartLock.Device.Tests.Rig;
using SmartLock.Testing.Scenarios;

namespace SmartLock.Device.Tests.Scenarios;

public sealed class BoardScenarioTests(ITestOutputHelper output)
{
    /// <summary>Of the 60 KB that an ESP32 without PSRAM can spare; the link's own buffers come on top.</summary>
    private const int MostLiveBytes = 8 * 1024;

    [Fact]
    public async Task The_whole_board_does_what_the_scenario_says_and_what_the_brain_does()
    {
        var lines = Scenario.Lock();
        var brain = new BrainBench();
        var brainTranscript = await new ScenarioPlayer(brain.Server, brain).PlayAsync(lines);
        using var board = new BoardBench();

        var transcript = await new ScenarioPlayer(board.Server, board).PlayAsync(lines);

        ScenarioPlayer.FirstDifference(lines, transcript).ShouldBeNull();
        ScenarioPlayer.FirstDifference(brainTranscript, transcript).ShouldBeNull();
        var live = LiveGraph.Of(board.Board, part => part.GetType().Assembly == typeof(BoardBench).Assembly);
        output.WriteLine($"board: {live}");
        live.Bytes.ShouldBeLessThan(MostLiveBytes);
    }

    [Fact]
    public async Task A_wrong_expectation_is_found()
    {
        var lines = Scenario.Read("connect -> no verdict, Locked\nUNLOCK A -> A done, Locked, bolt moved");
        using var board = new BoardBench();

        var transcript = await new ScenarioPlayer(board.Server, board).PlayAsync(lines);

        ScenarioPlayer.FirstDifference(lines, transcript)
            .ShouldBe("expected  2 UNLOCK A: A done, Locked, bolt moved\nbut was   2 UNLOCK A: A done, Unlocked, bolt moved");
    }
}
