using System.Net;
using System.Net.Http.Json;
using SmartLock.Testing;
using SmartLock.VirtualDevice;

namespace SmartLock.Server.Tests.Replicas;

/// <summary>
/// Three server programs, one store, one mosquitto, many devices and owners at their doors. The server that runs the jobs is killed, another is parted from
/// the broker, a tenth of the devices falls silent; what must hold all the same is checked in the end from the record.
/// </summary>
internal sealed class ReplicaProof : IAsyncDisposable
{
    public static readonly TimeSpan RecoveryWithin = TimeSpan.FromSeconds(15);

    private const string Owner = "alice";
    private const int Owners = 6;

    /// <summary>The others only say that they are there: a command's verdict would hide a lost heartbeat.</summary>
    private const int MostUsed = 100;

    private static readonly TimeSpan Steady = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan PartedFor = TimeSpan.FromSeconds(16);

    private readonly string _folder = Directory.CreateTempSubdirectory("smartlock-proof-").FullName;
    private readonly List<ReplicaServer> _servers = [];
    private readonly StatusLedger _ledger = new();
    private readonly Action<string> _say;
    private Mosquitto? _broker;
    private StatusObserver? _observer;
    private VirtualFleet? _fleet;

    public ReplicaProof(Action<string> say)
    {
        _say = say;
    }

    /// <param name="settings">Which store.</param>
    public async Task RunAsync(int devices, params string[] settings)
    {
        Assert.SkipWhen(Mosquitto.Executable is null, "mosquitto is not installed");
        await StartServersAsync(settings);
        await StartFleetAsync(devices);
        await Until.TrueAsync(() => _servers.Any(s => s.RunsDeviceJobs), TimeSpan.FromSeconds(60), "a replica runs the devices' jobs");

        var locks = _fleet!.Locks;
        var silenced = locks.Take(devices / 10).ToList();
        using var stop = new CancellationTokenSource();
        var load = new UnlockLoad(_servers);
        var running = load.RunAsync([.. locks.Skip(silenced.Count).Take(Math.Min(MostUsed, devices / 2)).Select(l => l.DeviceId)], Owners, stop.Token);
        await Pause.ForAsync(Steady);

        var shares = new StatusShares(_ledger, _observer!, _servers.Count, _say);
        await shares.EndCalmAsync();
        var fault = await BreakAsync(silenced);
        await Pause.ForAsync(PartedFor);
        fault.Parted.Link.Heal();
        await FlaggedAsync(silenced, fault);
        await Until.TrueAsync(() => fault.Parted.IsReady, TimeSpan.FromSeconds(30), "the parted replica is back");
        shares.EndFault();
        await Pause.ForAsync(Steady);
        await stop.CancelAsync();
        await running;

        await shares.CheckAsync();
        await new ReplicaRecord(fault.Left.Http, load.Attempts, locks, silenced, _say).CheckAsync();
        Recovery(load.Attempts, fault).ShouldBeLessThan(RecoveryWithin);
    }

    public async ValueTask DisposeAsync()
    {
        if (_fleet is not null)
        {
            await _fleet.DisposeAsync();
        }

        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }

        if (_observer is not null)
        {
            await _observer.DisposeAsync();
        }

        if (_broker is not null)
        {
            await _broker.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>The first makes the keys in the folder that all share.</summary>
    private async Task StartServersAsync(string[] settings)
    {
        _broker = await Mosquitto.StartNewAsync();
        for (var i = 0; i < 3; i++)
        {
            var server = i;
            _servers.Add(await ReplicaServer.StartAsync(_broker, _folder, () => new WatchedLink(_ledger, server), settings));
        }

        _observer = await StatusObserver.StartAsync(_broker, _ledger);

        var http = _servers[0].Http;
        using var registered = await http.PostAsJsonAsync("/api/auth/register", new { username = Owner, password = TestApp.Password });
        registered.StatusCode.ShouldBe(HttpStatusCode.Created, await registered.Content.ReadAsStringAsync());
        using var answer = await _servers[1].Http.PostAsJsonAsync("/api/auth/login", new { username = Owner, password = TestApp.Password });
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        var token = (await answer.JsonAsync()).GetProperty("access_token").GetString()!;
        _servers.ForEach(s => s.SignIn(token));
    }

    private async Task StartFleetAsync(int devices)
    {
        var began = TimeProvider.System.GetTimestamp();
        _fleet = await ReplicaFleet.StartAsync(_servers, _broker!, devices);
        _say($"{devices} devices, 3 servers; registered, connected and reported in {TimeProvider.System.GetElapsedTime(began).TotalSeconds:0.0} s");
    }

    /// <summary>Half of the silenced still keep their connections, the others lose theirs and leave a will.</summary>
    private async Task<Fault> BreakAsync(List<VirtualLock> silenced)
    {
        foreach (var (i, device) in silenced.Index())
        {
            if (i % 2 == 0)
            {
                device.Faults.Silent = true;
            }
            else
            {
                device.CutPower(TimeSpan.FromHours(1));
            }
        }

        var killed = _servers.First(s => s.RunsDeviceJobs);
        var rest = _servers.Where(s => s != killed).ToList();
        var fault = new Fault(TimeProvider.System.GetTimestamp(), rest[0], rest[1]);
        fault.Parted.Link.Cut();
        await killed.KillAsync();
        await Until.TrueAsync(() => fault.Left.RunsDeviceJobs, TimeSpan.FromSeconds(30), "another replica runs the devices' jobs");
        var takenOver = TimeProvider.System.GetElapsedTime(fault.At);
        _say($"one server killed, one parted from the broker; the jobs were taken over after {takenOver.TotalSeconds:0.0} s");
        takenOver.ShouldBeLessThan(RecoveryWithin);
        return fault;
    }

    private async Task FlaggedAsync(List<VirtualLock> silenced, Fault fault)
    {
        await Until.TrueAsync(
            async () => await ReplicaFleet.CountAsync(fault.Left, "Unavailable") == silenced.Count,
            TimeSpan.FromSeconds(60),
            $"the {silenced.Count} silent devices are Unavailable, and no other");
        _say($"{silenced.Count} devices fell silent at the same time; all were Unavailable {TimeProvider.System.GetElapsedTime(fault.At).TotalSeconds:0.0} s after");
    }

    /// <summary>From the fault to the start of the last command that was not answered with its verdict.</summary>
    private TimeSpan Recovery(IReadOnlyList<UnlockAttempt> attempts, Fault fault)
    {
        var failed = attempts.Where(a => a.Status is not HttpStatusCode.OK).ToList();
        var recovery = failed.Select(a => TimeProvider.System.GetElapsedTime(fault.At, a.StartedAt)).DefaultIfEmpty().Max();
        var before = attempts.Where(a => a.StartedAt < fault.At && a.Status is HttpStatusCode.OK).Select(a => a.Took.TotalMilliseconds).Order().ToList();
        _say($"{attempts.Count} unlocks, {failed.Count} not answered with their verdict: {string.Join(", ", failed.GroupBy(a => a.Status).Select(g => $"{g.Count()} x {(int?)g.Key ?? 0}"))}");
        _say($"before the fault: median {before[before.Count / 2]:0} ms, 99 % {before[before.Count * 99 / 100]:0} ms; the last that failed began {recovery.TotalSeconds:0.0} s after it");
        return recovery;
    }

    /// <param name="Left">Neither killed nor parted.</param>
    private sealed record Fault(long At, ReplicaServer Left, ReplicaServer Parted);
}
