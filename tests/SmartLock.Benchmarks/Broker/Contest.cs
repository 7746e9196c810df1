using System.Globalization;
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
        if (entrant?.Load is null)
        {
            return null;
        }

        // How far the runs lie apart says how much a difference between brokers means.
        var runs = entrant.Samples.Select(s => s.CpuMicroseconds.ToString("F2", CultureInfo.InvariantCulture));
        Console.Error.WriteLine($"    {name}: CPU us each of the runs: {string.Join(' ', runs)}");
        return Sample.Median(entrant.Samples);
    }

    /// <summary>
    /// CPU time of one for each of the other's, run by run, the middle of these: two runs of the same turn are next to each other in time,
    /// so that a machine that turns slow for a while does so for both.
    /// </summary>
    public double CpuRatio(string name, string other)
    {
        var ones = _entrants.Find(e => e.Name == name);
        var others = _entrants.Find(e => e.Name == other);
        return ones?.Load is null || others?.Load is null
            ? double.NaN
            : ones.Samples.Zip(others.Samples, (a, b) => a.CpuMicroseconds / b.CpuMicroseconds).Order().ElementAt(ones.Samples.Count / 2);
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
