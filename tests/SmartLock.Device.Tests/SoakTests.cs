using SmartLock.Device.Tests.Rig;

namespace SmartLock.Device.Tests;

/// <summary>Years of a busy door in seconds: nothing is lost, nothing is obeyed twice, and nothing grows.</summary>
public sealed class SoakTests(ITestOutputHelper output)
{
    private const int Rounds = 100;
    private const int ConnectionsPerRound = 100;
    private const int CommandsPerConnection = 10;
    private const int CommandsAtOnce = 17;
    private const int Commands = Rounds * ((ConnectionsPerRound * CommandsPerConnection) + CommandsAtOnce);

    /// <summary>Of the 60 KB that an ESP32 without PSRAM can spare; nanoFramework's own objects are of another size, but not ten times.</summary>
    private const int MostLiveBytes = 6 * 1024;

    [Fact]
    public void A_hundred_thousand_commands_over_ten_thousand_connections_lose_no_verdict_and_leave_nothing()
    {
        var door = new SoakDoor(Commands);
        var (full, idle) = (new List<LiveGraph>(), new List<LiveGraph>());
        for (var round = 0; round < Rounds; round++)
        {
            for (var connection = 0; connection < ConnectionsPerRound; connection++)
            {
                door.LiveOneConnection(CommandsPerConnection);
            }

            door.FillUp(CommandsAtOnce);
            full.Add(door.Measure());
            door.Drain();
            idle.Add(door.Measure());
        }

        output.WriteLine($"brain: {idle[^1]}, and {full[^1]} with all that can wait to be told");
        door.Accepted.ShouldBe(Commands);
        door.Untold().ShouldBeEmpty();
        door.Wrong.ShouldBeEmpty();
        door.Moved.ShouldBe(door.DoneCommands);
        door.Connections.ShouldBeGreaterThanOrEqualTo(Rounds * ConnectionsPerRound);
        door.Refusals.Where(r => r.Value == 0).Select(r => r.Key).ShouldBe([Refusal.None, Refusal.ForeignTopic]);
        idle.Distinct().ShouldHaveSingleItem("the brain is of one size from the first round to the last");
        full.Distinct().ShouldHaveSingleItem("the brain is of one size from the first round to the last");
        full[0].Objects.ShouldBeGreaterThan(idle[0].Objects);
        full[0].Bytes.ShouldBeLessThan(MostLiveBytes);
    }

    [Fact]
    public void What_is_measured_grows_with_what_is_kept()
    {
        var kept = new System.Collections.ArrayList(4);
        var empty = LiveGraph.Of(kept, _ => false);
        kept.Add(new Decision("12345678", 1, Verdict.Done));

        var one = LiveGraph.Of(kept, _ => false);

        // The decision (header, id, issued_at, verdict: 40 with padding) and its id (22 + 16, rounded up).
        (one.Objects - empty.Objects, one.Bytes - empty.Bytes).ShouldBe((2, 80));
    }
}
