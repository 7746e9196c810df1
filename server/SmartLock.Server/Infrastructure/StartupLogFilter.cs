namespace SmartLock.Server.Infrastructure;

/// <summary>
/// Until the server has started, keeps hosting and Kestrel from logging that it failed to, with stack traces: whoever starts
/// it says so in one sentence. Also hushes Kestrel's word that it ignores <c>Urls</c>, which <see cref="HttpEndpoints"/> does not.
/// </summary>
internal sealed class StartupLogFilter : IHostedLifecycleService
{
    private static readonly string[] Categories = ["Microsoft.Extensions.Hosting.Internal.Host", "Microsoft.AspNetCore.Server.Kestrel"];
    private volatile bool _hasStarted;

    public static void AddTo(IServiceCollection services)
    {
        var start = new StartupLogFilter();
        services.AddSingleton<IHostedService>(start);
        services.AddLogging(logging =>
        {
            foreach (var category in Categories)
            {
                logging.AddFilter(category, level => start._hasStarted && level >= LogLevel.Warning);
            }
        });
    }

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        _hasStarted = true;
        return Task.CompletedTask;
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
