using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using SmartLock.Testing;

namespace SmartLock.Mqtt.Tests.Interop;

/// <summary>MQTT clients that others wrote.</summary>
public enum PeerKind
{
    Paho,
    MqttJs,
}

/// <summary>
/// Another maker's client in a process of its own, driven by the small script beside this file: its plan goes in as JSON on standard
/// input, what happens comes out as JSON lines.
/// </summary>
internal sealed class Peer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private static readonly Lazy<string?> Python = new(FindPython);
    private static readonly Lazy<string?> NodeModules = new(FindNodeModules);

    private readonly ExternalProgram _program;

    private Peer(ExternalProgram program)
    {
        _program = program;
    }

    public static Peer Start(PeerKind kind, PeerPlan plan)
    {
        var input = JsonSerializer.Serialize(plan, Json);
        if (kind == PeerKind.Paho)
        {
            Assert.SkipWhen(Python.Value is null, "python3-paho-mqtt is not installed");
            return new Peer(ExternalProgram.Start(Python.Value, [Script("paho_peer.py")], input));
        }

        var node = ExternalProgram.Find("node");
        Assert.SkipWhen(node is null || NodeModules.Value is null, "MQTT.js (npm's mqtt) is not installed");
        return new Peer(ExternalProgram.Start(node, [Script("mqttjs_peer.js")], input, new Dictionary<string, string> { ["NODE_PATH"] = NodeModules.Value }));
    }

    public async Task<PeerEvent> EventAsync(string name) => (await EventsAsync(name, 1))[0];

    /// <summary>The messages that have arrived once there are at least so many.</summary>
    public async Task<PeerMessage[]> MessagesAsync(int count) => [.. (await EventsAsync("message", count)).Select(e => e.ToMessage())];

    /// <summary>Waits for at least so many lines of that name.</summary>
    public async Task<PeerEvent[]> EventsAsync(string name, int count)
    {
        await Eventually.TrueAsync(
            async () =>
            {
                if (Events(name).Length >= count)
                {
                    return true;
                }

                if (_program.HasExited)
                {
                    // Its last lines may still be on their way.
                    await _program.ExitAsync(Patience);
                    Events(name).Length.ShouldBeGreaterThanOrEqualTo(count, $"It ended. It printed: {_program.Output}");
                }

                return false;
            },
            $"{count} of {name}");
        return Events(name);
    }

    /// <summary>Waits until it has done what it was to do.</summary>
    public async Task<Peer> DoneAsync()
    {
        (await _program.ExitAsync(Patience)).ShouldBe(0, _program.Output);
        return this;
    }

    public PeerEvent[] Events(string name) =>
    [
        .. _program.Lines
            .Where(l => l.StartsWith('{'))
            .Select(l => JsonSerializer.Deserialize<PeerEvent>(l, Json)!)
            .Where(e => e.Event == name),
    ];

    /// <summary>As a power cut would.</summary>
    public Task KillAsync() => _program.KillAsync();

    public ValueTask DisposeAsync() => _program.DisposeAsync();

    private static string Script(string name) => Path.Combine(SourceTree.Root, "tests", "SmartLock.Mqtt.Tests", "Interop", name);

    /// <summary>A Python that has paho; Debian's own first, for which its package is.</summary>
    private static string? FindPython()
    {
        return new[] { "/usr/bin/python3", ExternalProgram.Find("python3") }
            .FirstOrDefault(p => p is not null && File.Exists(p) && Runs(p, "-c", "import paho.mqtt.client"));
    }

    /// <summary>Where ./tests/run puts it, or where the environment says. An old Node.js has it, but cannot run it.</summary>
    private static string? FindNodeModules()
    {
        var node = ExternalProgram.Find("node");
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        string[] folders =
        [
            .. (Environment.GetEnvironmentVariable("NODE_PATH") ?? "").Split(Path.PathSeparator),
            Path.Combine(cache, "smartlock-tests", "node_modules"),
        ];
        var modules = folders.Select(f => Path.Combine(f, "mqtt")).FirstOrDefault(m => Path.IsPathRooted(m) && Directory.Exists(m));
        return node is not null && modules is not null && Runs(node, "-e", "require(process.argv[1])", modules) ? Path.GetDirectoryName(modules) : null;
    }

    private static bool Runs(string path, params string[] arguments)
    {
        var start = new ProcessStartInfo(path, arguments) { RedirectStandardError = true };
        using var process = Process.Start(start)!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
