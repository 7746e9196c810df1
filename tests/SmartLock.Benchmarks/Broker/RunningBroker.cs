using System.Globalization;
using System.Net;
using System.Net.Sockets;
using SmartLock.Testing;

namespace SmartLock.Benchmarks;

/// <summary>A broker under test, in a process of its own, on a loopback port.</summary>
internal sealed class RunningBroker : IAsyncDisposable
{
    public const string Ours = "smartlock";
    public const string Mosquitto = "mosquitto";
    public const string Aedes = "aedes";

    /// <summary>A <see cref="BareForwarder"/>: only for what it can do.</summary>
    public const string Bare = "bare Kestrel";

    public static readonly string[] All = [Ours, Mosquitto, Aedes];

    private readonly EventHandler _onExit;

    private RunningBroker(string name, int port, ChildProcess process)
    {
        Name = name;
        Port = port;
        Process = process;
        // Ended early, by a signal too, we leave no broker behind. Ours and aedes see for themselves that our end of their input is gone.
        _onExit = (_, _) => Kill();
        AppDomain.CurrentDomain.ProcessExit += _onExit;
    }

    public string Name { get; }

    public int Port { get; }

    public ChildProcess Process { get; }

    /// <returns>Null when it is not installed, which is said.</returns>
    public static Task<RunningBroker?> StartAsync(string name) => name switch
    {
        Ours => StartOursAsync(Ours, "broker-host"),
        Bare => StartOursAsync(Bare, "broker-host", "bare"),
        Mosquitto => StartMosquittoAsync(),
        Aedes => StartAedesAsync(),
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };

    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= _onExit;
        await Process.DisposeAsync();
    }

    private static async Task<RunningBroker?> StartOursAsync(string name, params string[] arguments)
    {
        var (process, line) = await ChildProcess.StartOwnAsync(arguments);
        return new RunningBroker(name, int.Parse(line, CultureInfo.InvariantCulture), process);
    }

    private static async Task<RunningBroker?> StartMosquittoAsync()
    {
        var program = Environment.GetEnvironmentVariable("MOSQUITTO") ?? "/usr/sbin/mosquitto";
        if (!File.Exists(program))
        {
            return Missing("mosquitto not found: apt-get install mosquitto, or set MOSQUITTO to the program");
        }

        var port = FreePort.Next();
        var file = Path.Combine(Path.GetTempPath(), string.Create(CultureInfo.InvariantCulture, $"mosquitto-{port}.conf"));
        await File.WriteAllTextAsync(file, string.Create(CultureInfo.InvariantCulture, $"""
            listener {port} 127.0.0.1
            allow_anonymous true
            persistence false
            max_inflight_messages 1000
            max_queued_messages 0
            set_tcp_nodelay true
            log_type none

            """));
        try
        {
            return await WhenListeningAsync(new RunningBroker(Mosquitto, port, ChildProcess.Start(program, ["-c", file])));
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static async Task<RunningBroker?> StartAedesAsync()
    {
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        var folder = Path.Combine(cache, "smartlock-tests", "node_modules");
        var node = Environment.GetEnvironmentVariable("PATH")!.Split(':').Select(p => Path.Combine(p, "node")).FirstOrDefault(File.Exists);
        if (node is null || !Directory.Exists(Path.Combine(folder, "aedes")))
        {
            return Missing("aedes not found: install Node.js, then npm install --prefix ~/.cache/smartlock-tests aedes");
        }

        var port = FreePort.Next();
        var script = Path.Combine(AppContext.BaseDirectory, "Broker", "aedes.mjs");
        return await WhenListeningAsync(new RunningBroker(Aedes, port, ChildProcess.Start(node, [script, folder, port.ToString(CultureInfo.InvariantCulture)])));
    }

    private static RunningBroker? Missing(string text)
    {
        Console.Error.WriteLine(text);
        return null;
    }

    private static async Task<RunningBroker?> WhenListeningAsync(RunningBroker broker)
    {
        try
        {
            await Eventually.TrueAsync(() => IsListeningAsync(broker.Port), $"{broker.Name} listens");
            return broker;
        }
        catch (TimeoutException)
        {
            await broker.DisposeAsync();
            throw;
        }
    }

    private static async Task<bool> IsListeningAsync(int port)
    {
        try
        {
            using var probe = new TcpClient();
            await probe.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void Kill()
    {
        try
        {
            using var process = System.Diagnostics.Process.GetProcessById(Process.Id);
            process.Kill();
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            // It has ended by itself.
        }
    }
}
