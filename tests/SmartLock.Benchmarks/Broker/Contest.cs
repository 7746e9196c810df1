using System.Net.Sockets;

namespace SmartLock.Benchmarks;

/// <summary>The same load on several brokers in turn, A B C A B C: whatever else the machine does weighs on all alike.</summary>
internal sealed class Contest(BrokerOptions options) : IAsyncDisposable
{
    private readonly List<Entrant> _entrants = [];

    /// <summary>A broker that is not installed takes no part.</summary>
    /// <param name="name">What the samples are asked for by.</param>
    public async Task EnterAsync(string name, string broker, Func<RunningBroker, Task<ILoad>> load)
    {
        if (await RunningBroker.StartAsync(broker) is not { } running)
        {
            return;
        }

        var entrant = new Entrant(name, running);
        _entrants.Add(entrant);
        await GuardAsync(entrant, async () => entrant.Load = await load(running));
    }

    public async Task WarmUpAsync()
    {
        foreach (var entrant in _entrants.Where(e => e.Load is not null))
        {
            await GuardAsync(entrant, () => Task.Run(() => Sample.Take(entrant.Broker, entrant.Load!, options.WarmUp)));
        }
    }

    public async Task MeasureAsync()
    {
        for (var run = 0; run < options.Runs; run++)
        {
            foreach (var entrant in _entrants.Where(e => e.Load is not null))
            {
                await GuardAsync(entrant, () => Task.Run(() => entrant.Samples.Add(Sample.Take(entrant.Broker, entrant.Load!, options.Duration))));
            }
        }
    }

    /// <returns>Null when it took no part, or failed.</returns>
    public Sample? MedianOf(string name)
    {
        var entrant = _entrants.Find(e => e.Name == name);
        return entrant?.Load is null ? null : Sample.Median(entrant.Samples);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var entrant in _entrants)
        {
            entrant.Load?.Dispose();
            await entrant.Broker.DisposeAsync();
        }
    }

    // A broker that loses messages or breaks off is out of this contest, not the end of it for the others.
    private static async Task GuardAsync(Entrant entrant, Func<Task> step)
    {
        try
        {
            await step();
        }
        catch (Exception e) when (e is TimeoutException or IOException or InvalidDataException or InvalidOperationException or SocketException)
        {
            Console.Error.WriteLine($"  {entrant.Name} failed: {e.Message}");
            entrant.Load?.Dispose();
            entrant.Load = null;
        }
    }

    private sealed record Entrant(string Name, RunningBroker Broker)
    {
        public ILoad? Load { get; set; }

        public List<Sample> Samples { get; } = [];
    }
}
