using System.Globalization;
using SmartLock.Device;

namespace SmartLock.VirtualDevice.Terminal;

/// <summary>Shows one lock: a small picture that is redrawn in a terminal, a line per event elsewhere.</summary>
internal sealed class DeviceView(VirtualLock device, TextWriter output, bool ansi)
{
    private const int Events = 8;

    /// <summary>A line that wraps would take two rows, and the next picture would not cover it.</summary>
    private const int MaxLine = 76;
    private const string Red = "\e[31m";
    private const string Green = "\e[32m";
    private const string Dim = "\e[2m";
    private const string Plain = "\e[0m";

    private readonly Lock _gate = new();
    private readonly Queue<string> _last = new();
    private int _drawn;

    public void OnHappened(VirtualLock sender, VirtualLockEvent happened)
    {
        var line = string.Create(CultureInfo.InvariantCulture, $"{happened.At:HH:mm:ss} {Printable(happened.Text)}");
        lock (_gate)
        {
            if (!ansi)
            {
                output.WriteLine($"{line} [{Words.Of(device.Status)}]");
                output.Flush();
                return;
            }

            _last.Enqueue(line);
            if (_last.Count > Events)
            {
                _last.Dequeue();
            }
        }

        Redraw();
    }

    public void Redraw()
    {
        if (!ansi)
        {
            return;
        }

        lock (_gate)
        {
            // Up over the picture before, and rid of it.
            output.Write(_drawn == 0 ? "" : $"\e[{_drawn}A\e[J");
            var lines = Picture();
            foreach (var line in lines)
            {
                output.WriteLine(line);
            }

            output.Flush();
            _drawn = lines.Count;
        }
    }

    private List<string> Picture() =>
    [
        $"{device.DeviceId}  {(device.IsConnected ? "connected" : "not connected")}  {Words.Of(device.Status)}",
        $"  {Light(device.RedLit, Red)} locked   {Light(device.GreenLit, Green)} unlocked   moved {device.BoltMovements} times",
        $"  faults: {FaultKeys.Describe(device.Faults)}",
        .. FaultKeys.Legend.Select(line => $"{Dim}  {line}{Plain}"),
        .. _last.Select(line => "  " + (line.Length > MaxLine ? line[..MaxLine] : line)),
    ];

    private static string Light(bool lit, string colour) => lit ? $"{colour}●{Plain}" : $"{Dim}○{Plain}";

    /// <summary>A broker's words are not to steer the terminal.</summary>
    private static string Printable(string text) => new([.. text.Select(c => char.IsControl(c) ? '?' : c)]);
}
