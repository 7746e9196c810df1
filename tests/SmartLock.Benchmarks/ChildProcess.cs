using System.Diagnostics;
using System.Globalization;

namespace SmartLock.Benchmarks;

/// <summary>A program under test in a process of its own, so that its CPU time and memory can be told from the load generator's.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private readonly Process _process;

    private ChildProcess(Process process)
    {
        _process = process;
    }

    public int Id => _process.Id;

    /// <summary>User and system time since its start, from the operating system.</summary>
    public TimeSpan CpuTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Resident memory as the operating system counts it.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>This program again with another verb; the verb prints one line when it is ready and ends when its input does.</summary>
    public static async Task<(ChildProcess Process, string FirstLine)> StartOwnAsync(params string[] arguments)
    {
        // Under "dotnet x.dll" the process is dotnet itself, which needs to be told what to run.
        var program = Environment.ProcessPath!;
        string[] all = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [typeof(ChildProcess).Assembly.Location, .. arguments] : arguments;
        var child = Start(program, all, readsOutput: true);
        var line = await child._process.StandardOutput.ReadLineAsync();
        return line is null
            ? throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"{arguments[0]} ended with {child._process.ExitCode} before it was ready."))
            : (child, line);
    }

    public static ChildProcess Start(string program, IEnumerable<string> arguments, bool readsOutput = false)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = readsOutput };
        return new ChildProcess(Process.Start(start)!);
    }

    /// <summary>What it says goes to standard error: standard output is the report's. Once, for a process whose output is read.</summary>
    public void PassOutputToError()
    {
        _process.OutputDataReceived += static (_, line) => Console.Error.WriteLine(line.Data);
        _process.BeginOutputReadLine();
    }

    /// <summary>Kills it.</summary>
    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
