using System.Device.Gpio;

namespace SmartLock.Firmware.Shapes;

/// <summary>The chip's pins, and a record of what was done to them.</summary>
public sealed class Pins
{
    /// <summary>An ESP32's 34 to 39 are inputs only.</summary>
    private const int FirstInputOnly = 34;

    private const int Last = 39;

    private readonly Lock _gate = new();
    private readonly Dictionary<int, PinMode> _modes = [];
    private readonly Dictionary<int, bool> _levels = [];
    private readonly List<string> _record = [];

    /// <summary>With the pin's number and level, for every level that is driven.</summary>
    public event Action<int, bool>? Driven;

    /// <summary>What reading a pin throws.</summary>
    public Exception? Trouble { get; set; }

    /// <summary>In their order, such as "open 26 Output", "26 high".</summary>
    public IReadOnlyList<string> Record
    {
        get
        {
            lock (_gate)
            {
                return [.. _record];
            }
        }
    }

    /// <summary>An unconnected input with a pull-up is high, everything else low.</summary>
    public bool IsHigh(int pin)
    {
        lock (_gate)
        {
            return _levels.TryGetValue(pin, out var high) ? high : _modes.GetValueOrDefault(pin) == PinMode.InputPullUp;
        }
    }

    /// <summary>Ties an input to ground (false) or to the supply.</summary>
    public void Tie(int pin, bool high)
    {
        lock (_gate)
        {
            _levels[pin] = high;
        }
    }

    internal void Open(int pin, PinMode mode)
    {
        lock (_gate)
        {
            if (pin is < 0 or > Last || (pin >= FirstInputOnly && mode == PinMode.Output))
            {
                throw new ArgumentException($"Pin {pin} cannot be {mode}.");
            }

            if (!_modes.TryAdd(pin, mode))
            {
                throw new InvalidOperationException($"Pin {pin} is open.");
            }

            _record.Add($"open {pin} {mode}");
        }

        if (mode == PinMode.Output)
        {
            // As on the chip: an output begins low.
            Drive(pin, false);
        }
    }

    internal void Drive(int pin, bool high)
    {
        lock (_gate)
        {
            if (_modes.GetValueOrDefault(pin) != PinMode.Output)
            {
                throw new InvalidOperationException($"Pin {pin} is no output.");
            }

            _levels[pin] = high;
            _record.Add($"{pin} {(high ? "high" : "low")}");
        }

        Driven?.Invoke(pin, high);
    }
}
