namespace SmartLock.Server.Accounts;

/// <summary>
/// How much each key had of late: half of it is forgotten every half a minute. Counted in a fixed number of cells by keyed hash, whatever floods in; keys
/// that share a cell share what is counted. Not safe for use by several threads at once.
/// </summary>
internal sealed class RecentUse(TimeProvider time)
{
    private const int Cells = 1 << 14;
    private static readonly TimeSpan HalfForgotten = TimeSpan.FromSeconds(30);

    private readonly Cell[] _cells = new Cell[Cells];

    public double Of(string key) => At(_cells[IndexOf(key)]);

    public void Add(string key)
    {
        ref var cell = ref _cells[IndexOf(key)];
        cell = new Cell(At(cell) + 1, time.GetTimestamp());
    }

    private double At(Cell cell) => cell.Use == 0 ? 0 : cell.Use * Math.Pow(0.5, time.GetElapsedTime(cell.Last) / HalfForgotten);

    private static int IndexOf(string key) => (int)((uint)key.GetHashCode(StringComparison.Ordinal) % Cells);

    /// <param name="Last">A timestamp of the clock's.</param>
    private readonly record struct Cell(double Use, long Last);
}
