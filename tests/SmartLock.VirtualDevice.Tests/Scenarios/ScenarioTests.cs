using SmartLock.Device;
using SmartLock.Device.Tests.Scenarios;
using SmartLock.Testing.Scenarios;
using SmartLock.VirtualDevice.Tests.Brokers;

namespace SmartLock.VirtualDevice.Tests.Scenarios;

public sealed class EmbeddedBrokerScenarioTests : ScenarioTests
{
    private protected override Task<BrokerUnderTest> StartBrokerAsync(Func<string, DeviceKey> keyOf) =>
        EmbeddedBroker.StartAsync(null, keyOf);
}

public sealed class MosquittoScenarioTests : ScenarioTests
{
    private protected override Task<BrokerUnderTest> StartBrokerAsync(Func<string, DeviceKey> keyOf) => MosquittoBroker.StartAsync();
}

/// <summary>The scenario that the brain is held to, over MQTT.</summary>
public abstract class ScenarioTests
{
    [Fact]
    public async Task The_virtual_lock_does_what_the_scenario_says_and_what_the_brain_does()
    {
        var lines = Scenario.Lock();
        var brain = new BrainBench();
        var brainTranscript = await new ScenarioPlayer(brain.Server, brain).PlayAsync(lines);

        var transcript = await PlayAsync(lines);

        ScenarioPlayer.FirstDifference(lines, transcript).ShouldBeNull();
        ScenarioPlayer.FirstDifference(brainTranscript, transcript).ShouldBeNull();
    }

    [Theory]
    [InlineData("A done, Unlocked", "2 UNLOCK A: A done, Unlocked, bolt moved")]
    [InlineData("silence", "2 UNLOCK A: A done, Unlocked, bolt moved")]
    [InlineData("A done, Unlocked, refused Repeated, bolt moved", "2 UNLOCK A: A done, Unlocked, bolt moved")]
    public async Task A_wrong_expectation_is_found(string expected, string seen)
    {
        var lines = Scenario.Read($"connect -> no verdict, Locked\nUNLOCK A -> {expected}");

        var transcript = await PlayAsync(lines);

        ScenarioPlayer.FirstDifference(lines, transcript).ShouldBe($"expected  2 UNLOCK A: {expected}\nbut was   {seen}");
    }

    private protected abstract Task<BrokerUnderTest> StartBrokerAsync(Func<string, DeviceKey> keyOf);

    private async Task<IReadOnlyList<string>> PlayAsync(IReadOnlyList<ScenarioLine> lines)
    {
        await using var bench = await VirtualBench.StartAsync(StartBrokerAsync);
        return await new ScenarioPlayer(bench.Server, bench).PlayAsync(lines);
    }
}
