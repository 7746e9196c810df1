namespace SmartLock.VirtualDevice.Terminal;

/// <summary>What the keys of the terminal do.</summary>
internal static class FaultKeys
{
    public static readonly IReadOnlyList<string> Legend =
    [
        "s silent    j jammed     l late       a late answer   c clock not set",
        "o clock off b low batt.  p power cut  h turn by hand  q quit",
    ];

    private static readonly TimeSpan Lateness = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan ClockError = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan PowerOff = TimeSpan.FromSeconds(5);

    /// <summary>False for a key that means nothing here.</summary>
    public static bool Press(VirtualLock device, char key)
    {
        var faults = device.Faults;
        switch (char.ToLowerInvariant(key))
        {
            case 's':
                faults.Silent = !faults.Silent;
                return true;
            case 'j':
                faults.Jammed = !faults.Jammed;
                return true;
            case 'l':
                faults.ExecuteDelay = Other(faults.ExecuteDelay, Lateness);
                return true;
            case 'a':
                faults.AnswerDelay = Other(faults.AnswerDelay, Lateness);
                return true;
            case 'c':
                faults.ClockNotSet = !faults.ClockNotSet;
                return true;
            case 'o':
                faults.ClockOffset = Other(faults.ClockOffset, ClockError);
                return true;
            case 'b':
                faults.LowBattery = !faults.LowBattery;
                return true;
            case 'p':
                device.CutPower(PowerOff);
                return true;
            case 'h':
                device.TurnBoltByHand(device.Status == Device.BoltStatus.Locked ? Device.BoltStatus.Unlocked : Device.BoltStatus.Locked);
                return true;
            default:
                return false;
        }
    }

    public static string Describe(VirtualLockFaults faults)
    {
        var on = new List<string>();
        Add(on, faults.Silent, "silent");
        Add(on, faults.Jammed, "jammed");
        Add(on, faults.ExecuteDelay > TimeSpan.Zero, "late");
        Add(on, faults.AnswerDelay > TimeSpan.Zero, "late answer");
        Add(on, faults.ClockNotSet, "clock not set");
        Add(on, faults.ClockOffset != TimeSpan.Zero, "clock off");
        Add(on, faults.LowBattery, "low battery");
        return on.Count == 0 ? "none" : string.Join(", ", on);
    }

    private static TimeSpan Other(TimeSpan now, TimeSpan on) => now == TimeSpan.Zero ? on : TimeSpan.Zero;

    private static void Add(List<string> on, bool isOn, string name)
    {
        if (isOn)
        {
            on.Add(name);
        }
    }
}
