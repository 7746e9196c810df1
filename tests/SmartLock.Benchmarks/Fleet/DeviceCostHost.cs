using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using SmartLock.Device;
using SmartLock.VirtualDevice;

namespace SmartLock.Benchmarks;

/// <summary>
/// The process of one kind of device: it measures itself and prints how many were connected, and per device the resident bytes, the live bytes of the
/// managed heap, and the CPU seconds in a minute.
/// </summary>
internal static class DeviceCostHost
{
    public const string Verb = "device-cost-host";

    public static readonly string[] Kinds = ["load generator", "VirtualFleet"];

    private const int WarmUpDevices = 100;

    // Two heartbeats of every device.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(20);

    public static async Task<int> RunAsync(string[] args)
    {
        var (kind, port) = (args[0], int.Parse(args[1], CultureInfo.InvariantCulture));
        var (count, minutes) = (int.Parse(args[2], CultureInfo.InvariantCulture), double.Parse(args[3], CultureInfo.InvariantCulture));

        // Code that is loaded and compiled once is not the devices'.
        await using (await StartAsync(kind, port, "W", WarmUpDevices))
        {
            await PassAsync(Settling);
        }

        var (resident, live) = (Environment.WorkingSet, GC.GetTotalMemory(forceFullCollection: true));
        await using var fleet = await StartAsync(kind, port, "D", count);
        await PassAsync(Settling);
        using var own = Process.GetCurrentProcess();
        var cpu = own.TotalProcessorTime;
        var after = await MeanResidentAsync(TimeSpan.FromMinutes(minutes));
        own.Refresh();
        cpu = own.TotalProcessorTime - cpu;
        var liveAfter = GC.GetTotalMemory(forceFullCollection: true);
        double[] figures = [fleet.Connected, (after - resident) / count, (double)(liveAfter - live) / count, cpu.TotalSeconds / minutes / count];
        Console.WriteLine(string.Join(' ', figures.Select(f => f.ToString(CultureInfo.InvariantCulture))));
        return 0;
    }

    private static async Task<IRunningFleet> StartAsync(string kind, int port, string prefix, int count)
    {
        (string Id, DeviceKey Key)[] members =
            [.. Enumerable.Range(0, count).Select(i => ($"{prefix}{i}", DeviceKey.FromBytes(RandomNumberGenerator.GetBytes(32))))];
        IRunningFleet fleet = kind == Kinds[0] ? new Raw(members) : new Virtual(members, port);
        await fleet.ConnectAsync(port);
        return fleet;
    }

    private static async Task<double> MeanResidentAsync(TimeSpan time)
    {
        var samples = new List<long>();
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < time;)
        {
            await PassAsync(TimeSpan.FromSeconds(1));
            samples.Add(Environment.WorkingSet);
        }

        return samples.Average();
    }

    private static Task PassAsync(TimeSpan time) => Task.Delay(time, TimeProvider.System);

    private interface IRunningFleet : IAsyncDisposable
    {
        int Connected { get; }

        Task ConnectAsync(int port);
    }

    private sealed class Raw(IReadOnlyList<(string Id, DeviceKey Key)> members) : IRunningFleet
    {
        private readonly FleetLoad _load = new(members);
        private readonly CancellationTokenSource _end = new();
        private Task _beating = Task.CompletedTask;

        public int Connected => _load.Connected;

        public Task ConnectAsync(int port)
        {
            _beating = Task.Run(() => _load.BeatAsync(_end.Token));
            return _load.ConnectAsync(port);
        }

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            await _beating;
            _load.Dispose();
            _end.Dispose();
        }
    }

    private sealed class Virtual(IReadOnlyList<(string Id, DeviceKey Key)> members, int port) : IRunningFleet
    {
        private readonly VirtualFleet _fleet = new(new VirtualFleetOptions
        {
            Template = new VirtualLockOptions { DeviceId = "-", Key = members[0].Key, Host = "127.0.0.1", Port = port },
            Members = [.. members.Select(m => (m.Id, m.Key))],
        });

        public int Connected => _fleet.ConnectedCount;

        public Task ConnectAsync(int port) => _fleet.StartAsync();

        public ValueTask DisposeAsync() => _fleet.DisposeAsync();
    }
}
