using System.Net;
using SmartLock.Device;

namespace SmartLock.Benchmarks;

/// <summary>The devices of a fleet: connected a few at a time, then each reported every 9 s, evenly spread.</summary>
internal sealed class FleetLoad : IFleetWatch, IDisposable
{
    private const int Connecting = 64;
    private const int Addresses = 16;
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(9);
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(5);

    private readonly FleetDevice[] _devices;
    private long _sent;
    private long _acknowledged;
    private long _refused;
    private long _lost;
    private bool _over;

    public FleetLoad(IReadOnlyList<(string Id, DeviceKey Key)> devices)
    {
        _devices = [.. devices.Select(d => new FleetDevice(d.Id, d.Key, this))];
    }

    public int Connected => _devices.Count(d => d.IsConnected);

    /// <summary>Heartbeats sent by <see cref="BeatAsync"/>.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Reports that the server acknowledged, verdicts and those on connection among them.</summary>
    public long Acknowledged => Interlocked.Read(ref _acknowledged);

    public long Refused => Interlocked.Read(ref _refused);

    public long Lost => Interlocked.Read(ref _lost);

    /// <summary>How far behind its schedule the generator was at worst: a figure of a starved one is not the server's.</summary>
    public TimeSpan WorstDelay { get; set; }

    public Task ConnectAsync(int port)
    {
        var server = new IPEndPoint(IPAddress.Loopback, port);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Connecting };

        // From many addresses: one has 28,000 ports to connect from, and the server counts those that are logging in by address.
        return Parallel.ForAsync(0, _devices.Length, parallel, async (i, _) =>
            await _devices[i].ConnectAsync(server, new IPAddress([127, 0, 1, (byte)(1 + (i % Addresses))])));
    }

    /// <summary>Runs until it is cancelled. Devices not connected yet miss their turn.</summary>
    public async Task BeatAsync(CancellationToken ct)
    {
        var count = _devices.Length;
        using var timer = new PeriodicTimer(Tick);
        var time = TimeProvider.System;
        var start = time.GetTimestamp();
        var next = 0L;
        try
        {
            while (await timer.WaitForNextTickAsync(ct))
            {
                var elapsed = time.GetElapsedTime(start);
                var behind = elapsed - (Period * ((double)next / count));
                WorstDelay = behind > WorstDelay ? behind : WorstDelay;
                for (; next < elapsed / Period * count; next++)
                {
                    if (_devices[next % count].TryBeat())
                    {
                        Interlocked.Increment(ref _sent);
                    }
                }
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            return;
        }
    }

    public void Dispose()
    {
        Volatile.Write(ref _over, true);
        foreach (var device in _devices)
        {
            device.Dispose();
        }
    }

    void IFleetWatch.Acknowledged() => Interlocked.Increment(ref _acknowledged);

    void IFleetWatch.Refused() => Interlocked.Increment(ref _refused);

    void IFleetWatch.Lost()
    {
        if (!Volatile.Read(ref _over))
        {
            Interlocked.Increment(ref _lost);
        }
    }
}
