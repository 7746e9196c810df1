using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace SmartLock.VirtualDevice.Tests.Brokers;

/// <summary>A stock mosquitto of this machine, on a free port.</summary>
internal sealed class MosquittoBroker : BrokerUnderTest
{
    private const string Program = "/usr/sbin/mosquitto";

    private readonly Process _process;
    private readonly string _folder;

    private MosquittoBroker(Process process, string folder, int port)
    {
        _process = process;
        _folder = folder;
        Port = port;
    }

    public override int Port { get; }

    public static async Task<BrokerUnderTest> StartAsync()
    {
        Assert.SkipUnless(File.Exists(Program), "mosquitto is not installed");
        var folder = Directory.CreateTempSubdirectory("smartlock-mosquitto-").FullName;
        var port = FreePort();
        var config = Path.Combine(folder, "mosquitto.conf");
        await File.WriteAllTextAsync(config, string.Create(
            CultureInfo.InvariantCulture,
            $"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 10000\nlog_type notice\n"));
        var start = new ProcessStartInfo(Program, ["-c", config, "-v"]) { RedirectStandardError = true, RedirectStandardOutput = true };
        var process = Process.Start(start)!;
        var running = new TaskCompletionSource();
        process.ErrorDataReceived += (_, line) => Note(line.Data);
        process.OutputDataReceived += (_, line) => Note(line.Data);
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        await running.Task.WaitAsync(Guard);
        return new MosquittoBroker(process, folder, port);

        void Note(string? line)
        {
            if (line?.Contains("running", StringComparison.Ordinal) == true)
            {
                running.TrySetResult();
            }
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
