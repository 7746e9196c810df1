using System.Diagnostics;
using System.Globalization;
using SmartLock.Testing;

namespace SmartLock.Benchmarks;

/// <summary>A server that is asked, whichever it is.</summary>
internal interface IRestPeer : IAsyncDisposable
{
    string Name { get; }

    int Port { get; }

    string Token { get; }

    /// <summary>Of the process that answers.</summary>
    TimeSpan CpuTime { get; }
}

/// <summary>Ours, with <see cref="RestAccount"/> in it.</summary>
internal sealed class SmartLockPeer(ServerHost server, RestAccount account) : IRestPeer
{
    public string Name => "smartlock";

    public int Port => server.Address.Port;

    public string Token => account.Token;

    public TimeSpan CpuTime => server.Process.CpuTime;

    public static async Task<SmartLockPeer> StartAsync(string folder, params string[] settings)
    {
        var server = await ServerHost.StartAsync(folder, ["--RateLimits:Anonymous:PermitsPerMinute=10000000", .. settings]);
        return new SmartLockPeer(server, await RestAccount.CreateAsync(server.Address, server.MqttPort));
    }

    public async ValueTask DisposeAsync()
    {
        await account.DisposeAsync();
        await server.DisposeAsync();
    }
}

/// <summary><c>flask_lock.py</c>, under gunicorn with one process of four threads that keeps connections, or under Flask's own server, which closes them.</summary>
internal sealed class FlaskPeer : IRestPeer
{
    private const string Packages = "import flask, flask_jwt_extended";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ChildProcess _process;
    private readonly Process _worker;

    private FlaskPeer(string name, ChildProcess process, int port, int workerId, string token)
    {
        Name = name;
        Port = port;
        Token = token;
        _process = process;
        _worker = Process.GetProcessById(workerId);
    }

    public string Name { get; }

    public int Port { get; }

    public string Token { get; }

    public TimeSpan CpuTime
    {
        get
        {
            _worker.Refresh();
            return _worker.TotalProcessorTime;
        }
    }

    /// <summary>A Python that has the packages, or null. The system's comes first: there a distribution's packages are.</summary>
    public static async Task<string?> FindPythonAsync(string packages = Packages)
    {
        foreach (var python in new[] { "/usr/bin/python3", ExternalProgram.Find("python3") }.OfType<string>().Where(File.Exists))
        {
            await using var program = ExternalProgram.Start(python, ["-c", packages]);
            if (await program.ExitAsync(Patience) == 0)
            {
                return python;
            }
        }

        return null;
    }

    public static async Task<FlaskPeer?> TryStartOwnServerAsync()
    {
        return await FindPythonAsync() is { } python
            ? await StartAsync("flask", python, port => [Script, port])
            : Missing("Flask's own server", "python3-flask and python3-python-flask-jwt-extended");
    }

    public static async Task<FlaskPeer?> TryStartGunicornAsync()
    {
        return await FindPythonAsync($"{Packages}, gunicorn") is { } python
            ? await StartAsync("gunicorn", python, GunicornArguments)
            : Missing("gunicorn", "python3-flask, python3-python-flask-jwt-extended and python3-gunicorn");
    }

    public async ValueTask DisposeAsync()
    {
        _worker.Dispose();
        await _process.DisposeAsync();
    }

    private static string Script => Path.Combine(AppContext.BaseDirectory, "Rest", "flask_lock.py");

    private static string[] GunicornArguments(string port) =>
    [
        "-m", "gunicorn", "--chdir", Path.GetDirectoryName(Script)!, "--worker-class", "gthread", "--workers", "1", "--threads", "4",
        "--keep-alive", "75", "--log-level", "error", "--bind", $"127.0.0.1:{port}", "flask_lock:app",
    ];

    private static FlaskPeer? Missing(string name, string packages)
    {
        Console.Error.WriteLine($"{name} is not installed (Debian has {packages}): its figures are left out.");
        return null;
    }

    private static async Task<FlaskPeer> StartAsync(string name, string python, Func<string, string[]> arguments)
    {
        var port = FreePort.Next();
        // It writes a line for a start; nothing else is said on standard output.
        string[] all = ["-B", .. arguments(port.ToString(CultureInfo.InvariantCulture))];
        var process = ChildProcess.Start(python, all, readsOutput: true);
        using var http = new HttpClient { BaseAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}")) };
        try
        {
            await Eventually.TrueAsync(() => AnswersAsync(http), $"{name} answers");
            var id = int.Parse(await http.GetStringAsync("/pid"), CultureInfo.InvariantCulture);
            return new FlaskPeer(name, process, port, id, await http.GetStringAsync("/token"));
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    private static async Task<bool> AnswersAsync(HttpClient http)
    {
        try
        {
            return (await http.GetStringAsync("/health/live")).Length > 0;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
