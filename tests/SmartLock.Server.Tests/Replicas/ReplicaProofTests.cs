using System.Globalization;

namespace SmartLock.Server.Tests.Replicas;

/// <summary>On one SQLite file, which several processes of one machine may share: what is proved of the servers holds for any store.</summary>
public sealed class ReplicaProofTests(ITestOutputHelper output)
{
    /// <summary>How many devices; by itself as many as a test run has time for.</summary>
    public const string Variable = "SMARTLOCK_TEST_REPLICA_DEVICES";

    internal static int DevicesOr(int devices) =>
        int.TryParse(Environment.GetEnvironmentVariable(Variable), CultureInfo.InvariantCulture, out var given) ? given : devices;

    [Fact]
    public async Task Nothing_is_lost_and_nothing_told_twice_when_one_of_three_is_killed_and_one_cut_off()
    {
        await using var proof = new ReplicaProof(output.WriteLine);
        await proof.RunAsync(DevicesOr(100), "--Storage:Sqlite:BusyTimeout=00:00:05", "--Storage:Sqlite:QueueTimeout=00:00:10");
    }
}
