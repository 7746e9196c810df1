using System.Globalization;
using SmartLock.Mqtt;

namespace SmartLock.Benchmarks;

/// <summary>
/// Idle devices, each subscribed to its own filter, in a process of their own: so they cost the load generator neither CPU time nor descriptors.
/// </summary>
internal sealed class Crowd : IAsyncDisposable
{
    // Beside the sockets, ours or a broker's own: libraries, event queues, listeners.
    private const int OtherDescriptors = 400;
    private const int Openers = 16;

    private readonly ChildProcess _process;

    private Crowd(ChildProcess process)
    {
        _process = process;
    }

    /// <summary>When all are connected and subscribed.</summary>
    public static async Task<Crowd> GatherAsync(int port, int count)
    {
        var (process, line) = await ChildProcess.StartOwnAsync(
            "broker-crowd", port.ToString(CultureInfo.InvariantCulture), count.ToString(CultureInfo.InvariantCulture));
        return line == "ready" ? new Crowd(process) : throw new InvalidDataException($"The crowd did not get in: {line}");
    }

    /// <summary>As many as are wanted, or as the operating system lets one process have; fewer are said to be.</summary>
    public static int Possible(int wanted)
    {
        var limits = File.Exists("/proc/self/limits") ? File.ReadAllLines("/proc/self/limits") : [];
        var line = Array.Find(limits, l => l.StartsWith("Max open files", StringComparison.Ordinal));
        if (line is null || !int.TryParse(line.AsSpan(26, 20), CultureInfo.InvariantCulture, out var limit) || limit - OtherDescriptors >= wanted)
        {
            return wanted;
        }

        var possible = limit - OtherDescriptors;
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {possible:N0} connections, not {wanted:N0}: the limit is {limit:N0} open files; raise it with ulimit -n {wanted + OtherDescriptors}"));
        return possible;
    }

    /// <summary>The child itself: port and number; prints "ready", and ends when its input does.</summary>
    public static async Task<int> RunAsync(string[] arguments)
    {
        var port = int.Parse(arguments[0], CultureInfo.InvariantCulture);
        var peers = new Peer[int.Parse(arguments[1], CultureInfo.InvariantCulture)];
        Parallel.For(0, peers.Length, new ParallelOptions { MaxDegreeOfParallelism = Openers }, i =>
        {
            peers[i] = Peer.Connect(port, LoadTopics.Id(i), i);
            peers[i].Subscribe(LoadTopics.Control(LoadTopics.Id(i)), MqttQoS.AtLeastOnce);
        });
        Console.WriteLine("ready");
        await Console.In.ReadToEndAsync();
        Array.ForEach(peers, p => p.Abandon());
        return 0;
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
