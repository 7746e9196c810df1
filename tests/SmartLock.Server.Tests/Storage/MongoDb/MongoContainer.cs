using DotNet.Testcontainers.Builders;
using SmartLock.Server.Tests.Storage.MongoDb;
using Testcontainers.MongoDb;

[assembly: AssemblyFixture(typeof(MongoContainer))]

namespace SmartLock.Server.Tests.Storage.MongoDb;

/// <summary>
/// A MongoDB replica set of one in Docker for the run, where no server is named and a Docker engine answers. It is there before the first
/// <see cref="MongoFixture"/> looks for it.
/// </summary>
public sealed class MongoContainer : IAsyncLifetime
{
    private MongoDbContainer? _container;

    public async ValueTask InitializeAsync()
    {
        if (Environment.GetEnvironmentVariable(MongoFixture.Variable) is { Length: > 0 })
        {
            return;
        }

        try
        {
            _container = new MongoDbBuilder("mongo:8").WithReplicaSet().Build();
        }
        catch (DockerUnavailableException)
        {
            // The tests of MongoDB skip, and name what is missing.
            return;
        }

        await _container.StartAsync();
        Environment.SetEnvironmentVariable(MongoFixture.Variable, _container.GetConnectionString());
    }

    public ValueTask DisposeAsync() => _container?.DisposeAsync() ?? ValueTask.CompletedTask;
}
