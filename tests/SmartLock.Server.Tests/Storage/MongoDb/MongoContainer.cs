using SmartLock.Server.Tests.Storage.MongoDb;
using Testcontainers.MongoDb;

[assembly: AssemblyFixture(typeof(MongoContainer))]

namespace SmartLock.Server.Tests.Storage.MongoDb;

/// <summary>
/// A MongoDB in Docker for the run, where none is named: built with <c>-p:Containers=true</c> only, as it takes a Docker engine. It is there before the
/// first <see cref="MongoFixture"/> looks for it.
/// </summary>
public sealed class MongoContainer : IAsyncLifetime
{
    private readonly MongoDbContainer? _container =
        Environment.GetEnvironmentVariable(MongoFixture.Variable) is { Length: > 0 } ? null : new MongoDbBuilder("mongo:8").Build();

    public async ValueTask InitializeAsync()
    {
        if (_container is not null)
        {
            await _container.StartAsync();
            Environment.SetEnvironmentVariable(MongoFixture.Variable, _container.GetConnectionString());
        }
    }

    public ValueTask DisposeAsync() => _container?.DisposeAsync() ?? ValueTask.CompletedTask;
}
