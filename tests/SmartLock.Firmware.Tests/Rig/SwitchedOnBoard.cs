using System.Collections.Concurrent;
using System.Diagnostics;
using SmartLock.Firmware.Shapes;
using SmartLock.Testing;

namespace SmartLock.Firmware.Tests.Rig;

/// <summary>The whole firmware in a process of its own, so that its power can be cut. Its flash stays when it does.</summary>
internal sealed class SwitchedOnBoard : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly ConcurrentDictionary<int, bool> _pins = new();

    private SwitchedOnBoard(string flash)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "SmartLock.Firmware.Host.dll"), flash])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += Take;
        _process.Start();
        _process.BeginOutputReadLine();
    }

    public string Output => string.Join('\n', _lines);

    public static SwitchedOnBoard On(string flash) => new(flash);

    /// <summary>False also before it was opened.</summary>
    public bool IsHigh(int pin) => _pins.GetValueOrDefault(pin);

    public Task PinAsync(int pin, bool high) => UntilAsync(() => IsHigh(pin) == high, $"pin {pin} {(high ? "high" : "low")}");

    public Task LineAsync(string line) => UntilAsync(() => _lines.Any(l => l.Contains(line, StringComparison.Ordinal)), line);

    /// <summary>As <see cref="BenchLines"/> reads them.</summary>
    public Task DoAsync(string line) => _process.StandardInput.WriteLineAsync(line);

    public async Task RestartAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        _process.ExitCode.ShouldBe(BenchLines.RestartExitCode);
    }

    public async Task CutPowerAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await CutPowerAsync();
        }

        _process.Dispose();
    }

    private async Task UntilAsync(Func<bool> condition, string what)
    {
        try
        {
            await Eventually.TrueAsync(condition, what);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}\n{Output}", e);
        }
    }

    private void Take(object sender, DataReceivedEventArgs e)
    {
        if (e.Data is not { } line)
        {
            return;
        }

        _lines.Enqueue(line);
        if (line.Split(' ') is ["pin", var pin, var level])
        {
            _pins[int.Parse(pin, System.Globalization.CultureInfo.InvariantCulture)] = level == "high";
        }
    }
}
