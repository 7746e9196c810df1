using System.Globalization;
using System.Net.Http.Headers;
using SmartLock.Server.Tests.MainJob;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Replicas;

/// <summary>One of several server programs on a store and a broker, with a link to the broker that can be cut.</summary>
internal sealed class ReplicaServer : IAsyncDisposable
{
    private const string DeviceJobs = "The lease of device-jobs";
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(250);
    private readonly CancellationTokenSource _stop = new();
    private readonly ExternalProgram _program;
    private readonly Task _asking;
    private volatile bool _isReady = true;

    private ReplicaServer(ExternalProgram program, TcpProxy link, HttpClient http)
    {
        _program = program;
        Link = link;
        Http = http;
        _asking = AskAsync();
    }

    public TcpProxy Link { get; }

    public HttpClient Http { get; }

    /// <summary>As a load balancer would see it.</summary>
    public bool IsReady => _isReady;

    public string Output => _program.Output;

    /// <summary>By its own log.</summary>
    public bool RunsDeviceJobs => !_program.HasExited
        && _program.Lines.LastOrDefault(l => l.Contains(DeviceJobs, StringComparison.Ordinal))?.Contains("this replica's", StringComparison.Ordinal) == true;

    /// <param name="watch">Reads along on each of its connections to the broker.</param>
    public static async Task<ReplicaServer> StartAsync(Mosquitto broker, string folder, Func<WatchedLink> watch, IEnumerable<string> settings)
    {
        var link = new TcpProxy(broker.Port, watch);
        var http = new HttpClient { BaseAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort.Next()}")), Timeout = TimeSpan.FromSeconds(20) };
        var program = await ServerProcess.StartAsync(http, folder, link.Port,
        [
            "--Mqtt:Mode=External",
            "--Mqtt:Host=127.0.0.1",
            "--Locks:MaxPerOwner=100000",
            "--Logging:LogLevel:SmartLock.Server.Replicas=Information",
            .. settings,
        ]);
        return new ReplicaServer(program, link, http);
    }

    public void SignIn(string token) => Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);

    /// <summary>SIGKILL.</summary>
    public Task KillAsync() => _program.KillAsync();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _asking;
        await _program.DisposeAsync();
        await Link.DisposeAsync();
        Http.Dispose();
        _stop.Dispose();
    }

    private async Task AskAsync()
    {
        using var http = new HttpClient { BaseAddress = Http.BaseAddress, Timeout = TimeSpan.FromSeconds(2) };
        using var timer = new PeriodicTimer(AskEvery);
        try
        {
            do
            {
                _isReady = await IsReadyAsync(http);
            }
            while (await timer.WaitForNextTickAsync(_stop.Token));
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return;
        }
    }

    private async Task<bool> IsReadyAsync(HttpClient http)
    {
        try
        {
            using var answer = await http.GetAsync("/health/ready", _stop.Token);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException || (e is TaskCanceledException && !_stop.IsCancellationRequested))
        {
            return false;
        }
    }
}
