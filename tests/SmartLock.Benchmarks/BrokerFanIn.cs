using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using SmartLock.Mqtt;

namespace SmartLock.Benchmarks;

/// <summary>
/// Fan-in, ours against mosquitto's: the same load, each broker in a process of its own, messages per second of that process's CPU time.
/// </summary>
internal static class BrokerFanIn
{
    private const int Publishers = 50;
    private const int WarmUpMessages = 300_000;
    private const int Messages = 500_000;
    private const int Runs = 3;

    public static async Task<int> RunAsync()
    {
        Console.WriteLine($"{Publishers} publishers, 1 subscriber, MQTT 3.1.1 over loopback, 200 byte payloads; median of {Runs} runs of {Messages:N0} messages");
        Console.WriteLine("burst: messages per write of a publisher; with 1 the cost is mostly the kernel's, for either broker");
        Console.WriteLine("qos burst     smartlock msg/CPU-s   mosquitto msg/CPU-s   ratio");
        foreach (var qos in new[] { MqttQoS.AtMostOnce, MqttQoS.AtLeastOnce })
        {
            foreach (var burst in new[] { 1, 20 })
            {
                await CompareAsync(qos, burst);
            }
        }

        return 0;
    }

    // Turn and turn about, so that whatever else the machine does weighs on both alike.
    private static async Task CompareAsync(MqttQoS qos, int burst)
    {
        var ours = new List<double>();
        var theirs = new List<double>();
        for (var run = 0; run < Runs; run++)
        {
            ours.Add(await MeasureAsync(StartOurs, qos, burst));
            theirs.Add(File.Exists(Mosquitto) ? await MeasureAsync(StartMosquitto, qos, burst) : double.NaN);
        }

        var (our, their) = (ours.Order().ElementAt(Runs / 2), theirs.Order().ElementAt(Runs / 2));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(int)qos,3} {burst,5} {our,23:N0} {their,21:N0} {our / their,7:F2}"));
    }

    private static string Mosquitto => Environment.GetEnvironmentVariable("MOSQUITTO") ?? "/usr/sbin/mosquitto";

    private static async Task<double> MeasureAsync(Func<Task<(Process Process, int Port)>> start, MqttQoS qos, int burst)
    {
        var (process, port) = await start();
        using (process)
        {
            try
            {
                using var load = await FanInLoad.ConnectAsync(port, qos, Publishers, burst);
                await load.RunAsync(WarmUpMessages / (Publishers * burst));
                process.Refresh();
                var before = process.TotalProcessorTime;
                await load.RunAsync(Messages / (Publishers * burst));
                process.Refresh();
                return Messages / (process.TotalProcessorTime - before).TotalSeconds;
            }
            finally
            {
                process.Kill();
                await process.WaitForExitAsync();
            }
        }
    }

    private static async Task<(Process Process, int Port)> StartOurs()
    {
        // Under "dotnet x.dll" the process is dotnet itself, which needs to be told what to run.
        var program = Environment.ProcessPath!;
        string[] arguments = Path.GetFileNameWithoutExtension(program) == "dotnet"
            ? [typeof(BrokerFanIn).Assembly.Location, "broker-host"]
            : ["broker-host"];
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
        var process = Process.Start(start)!;
        var line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The broker did not start.");
        return (process, int.Parse(line, CultureInfo.InvariantCulture));
    }

    private static async Task<(Process Process, int Port)> StartMosquitto()
    {
        var port = FreePort();
        var file = Path.Combine(Path.GetTempPath(), $"mosquitto-{port}.conf");
        await File.WriteAllTextAsync(file, $"""
            listener {port} 127.0.0.1
            allow_anonymous true
            persistence false
            max_inflight_messages 1000
            max_queued_messages 0
            set_tcp_nodelay true
            log_type none

            """);
        var process = Process.Start(new ProcessStartInfo(Mosquitto, ["-c", file]) { RedirectStandardError = true })!;
        for (var attempt = 0; attempt < 100; attempt++)
        {
            try
            {
                using var probe = new TcpClient();
                await probe.ConnectAsync(IPAddress.Loopback, port);
                File.Delete(file);
                return (process, port);
            }
            catch (SocketException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
            }
        }

        throw new InvalidOperationException("mosquitto did not start.");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
