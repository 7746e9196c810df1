using System.Globalization;

namespace SmartLock.Firmware.Shapes;

/// <summary>
/// The bench of a process of its own, by lines. In: "air off", "air on", "tie 18 low", "type text". Out, beside the firmware's log:
/// "pin 27 high", "serial text". A restart ends the process with its own exit code; a power cut is for whoever kills it.
/// </summary>
public static class BenchLines
{
    public const int RestartExitCode = 42;

    public static void Attach()
    {
        var bench = Bench.PutOnTable();
        bench.Pins.Driven += (pin, high) => Console.WriteLine($"pin {pin} {(high ? "high" : "low")}");
        bench.Serial.Heard += text => Console.WriteLine("serial " + text.ReplaceLineEndings(" "));
        bench.Rebooting = () => Environment.Exit(RestartExitCode);
        new Thread(() => Listen(bench)) { IsBackground = true }.Start();
    }

    private static void Listen(Bench bench)
    {
        while (Console.ReadLine() is { } line)
        {
            Do(bench, line);
        }

        // Whoever switched the board on is gone.
        Environment.Exit(0);
    }

    private static void Do(Bench bench, string line)
    {
        switch (line.Split(' ', 3))
        {
            case ["air", var air]:
                bench.Air.IsOn = air == "on";
                break;
            case ["tie", var pin, var level]:
                bench.Pins.Tie(int.Parse(pin, CultureInfo.InvariantCulture), level == "high");
                break;
            case ["type", ..]:
                bench.Serial.Type(line[5..] + "\n");
                break;
            default:
                throw new ArgumentException($"No such line: {line}");
        }
    }
}
