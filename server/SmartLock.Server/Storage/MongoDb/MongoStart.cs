using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>Opens the store before anything else starts, so that a MongoDB that does not answer, or refuses this server, ends the start.</summary>
internal sealed class MongoStart(MongoDatabase database) : IHostedLifecycleService
{
    /// <exception cref="StoreUnavailableException">Says in one sentence where no MongoDB answers, or what it refuses.</exception>
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        try
        {
            await database.ReadAsync(_ => Task.CompletedTask, cancellationToken);
        }
        catch (StoreUnavailableException e) when (e.InnerException is TimeoutException)
        {
            throw new StoreUnavailableException($"MongoDB at {database.Servers} does not answer (Storage:MongoDb:ConnectionString).", e.InnerException);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
