using SmartLock.Server.Tests.Storage.MongoDb;

namespace SmartLock.Server.Tests.Replicas.MongoDb;

/// <summary>On MongoDB, as servers on several machines would be.</summary>
public sealed class MongoReplicaProofTests(MongoFixture fixture, ITestOutputHelper output) : IClassFixture<MongoFixture>
{
    [Fact]
    public async Task Nothing_is_lost_and_nothing_told_twice_when_one_of_three_is_killed_and_one_cut_off()
    {
        await fixture.EmptyAsync();
        await using var proof = new ReplicaProof(output.WriteLine);
        await proof.RunAsync(
            ReplicaProofTests.DevicesOr(200),
            "--Storage:Provider=MongoDb",
            $"--Storage:MongoDb:ConnectionString={fixture.Options.ConnectionString}",
            $"--Storage:MongoDb:Database={fixture.Options.Database}");
    }
}
