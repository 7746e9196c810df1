using System.Collections.Concurrent;
using System.Diagnostics;

namespace SmartLock.Testing;

/// <summary>A program that a test runs as a user would, with what it printed.</summary>
public sealed class ExternalProgram : IAsyncDisposable
{
    private static readonly string[] Folders =
        [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries), "/usr/sbin", "/usr/local/sbin"];

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();

    private ExternalProgram(Process process)
    {
        _process = process;
    }

    /// <summary>All lines so far, of both streams, in the order they came.</summary>
    public IReadOnlyList<string> Lines => [.. _lines];

    public string Output => string.Join('\n', _lines);

    public int ProcessId => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Full path of an installed program, or null.</summary>
    public static string? Find(string name) => Folders.Select(f => Path.Combine(f, name)).FirstOrDefault(File.Exists);

    /// <param name="input">Written to its standard input, which is then closed.</param>
    /// <param name="environment">Beside this process's own.</param>
    public static ExternalProgram Start(
        string path,
        IEnumerable<string> arguments,
        string? input = null,
        IReadOnlyDictionary<string, string>? environment = null,
        string? workingDirectory = null)
    {
        var start = new ProcessStartInfo(path, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = workingDirectory ?? "",
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        var program = new ExternalProgram(new Process { StartInfo = start, EnableRaisingEvents = true });
        program._process.OutputDataReceived += program.Take;
        program._process.ErrorDataReceived += program.Take;
        program._process.Start();
        program._process.BeginOutputReadLine();
        program._process.BeginErrorReadLine();
        program._process.StandardInput.Write(input);
        program._process.StandardInput.Close();
        return program;
    }

    /// <returns>The exit code, once all output has been read.</returns>
    public async Task<int> ExitAsync(TimeSpan within)
    {
        using var limit = new CancellationTokenSource(within);
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    public Task LineAsync(Func<string, bool> match, string what) =>
        Eventually.TrueAsync(
            async () =>
            {
                if (_lines.Any(match) || !_process.HasExited)
                {
                    return _lines.Any(match);
                }

                // Its last lines may still be on their way.
                await _process.WaitForExitAsync();
                return _lines.Any(match) ? true : throw new InvalidOperationException($"It ended before: {what}. It printed: {Output}");
            },
            what);

    /// <summary>SIGKILL, or what the system has for it.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGINT, as Ctrl-C sends it.</summary>
    public void Interrupt() => Signal("-INT");

    /// <summary>SIGTERM, as service managers send it.</summary>
    public void Terminate() => Signal("-TERM");

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
    }

    private void Signal(string signal)
    {
        using var kill = Process.Start("kill", [signal, _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    private void Take(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is not null)
        {
            _lines.Enqueue(line.Data);
        }
    }
}
