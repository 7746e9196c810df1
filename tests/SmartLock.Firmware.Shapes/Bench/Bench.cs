namespace SmartLock.Firmware.Shapes;

/// <summary>
/// The board on the table: what the shapes are wired to. It is that of the running test, and of the threads that the test starts.
/// </summary>
public sealed class Bench
{
    private static readonly AsyncLocal<Bench?> OnTheTable = new();

    public static Bench Current => OnTheTable.Value ?? throw new InvalidOperationException("No board is on the table.");

    public Pins Pins { get; } = new();

    public Air Air { get; } = new();

    public SerialLine Serial { get; } = new();

    /// <summary>Called instead of a restart.</summary>
    public Action Rebooting { get; set; } = static () => { };

    public static Bench PutOnTable()
    {
        var bench = new Bench();
        OnTheTable.Value = bench;
        return bench;
    }
}
