namespace SmartLock.Server.Accounts;

/// <summary>
/// Counts failures by key in a fixed number of cells. A key has one cell in each of several rows, by keyed hash, and the least of them
/// counts: keys that share a cell in one row hardly share one in all, so that a flood of other keys neither holds a key up nor pushes it out.
/// Not safe for use by several threads at once. Times are monotonic, counted from any beginning.
/// </summary>
internal sealed class FailureCounts(int rows, int cellsPerRow)
{
    /// <summary>Quiet for so long, and all is forgotten.</summary>
    public static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(30);

    /// <summary>For those who come while as many attempts as may fail are being looked at.</summary>
    private static readonly TimeSpan WhilePending = TimeSpan.FromSeconds(1);

    private const int MostDoublings = 30;
    private readonly Cell[] _cells = new Cell[rows * cellsPerRow];

    /// <summary>Where the key is counted, whatever its case.</summary>
    public int[] Find(string key)
    {
        // Two hashes make as many as there are rows (Kirsch and Mitzenmacher, 2006).
        var first = (uint)StringComparer.OrdinalIgnoreCase.GetHashCode(key);
        var second = (uint)StringComparer.OrdinalIgnoreCase.GetHashCode(key + '\0');
        var at = new int[rows];
        for (var row = 0; row < rows; row++)
        {
            at[row] = (row * cellsPerRow) + (int)((first + ((ulong)row * second)) % (uint)cellsPerRow);
        }

        return at;
    }

    /// <summary>How long to wait before the next attempt; zero when it may be made now.</summary>
    public TimeSpan Wait(int[] at, TimeSpan now, int free) => at.Min(i => _cells[i].Wait(now.Ticks, free));

    public int Failures(int[] at, TimeSpan now) => at.Min(i => _cells[i].FailuresAt(now.Ticks));

    public void Begin(int[] at)
    {
        foreach (var i in at)
        {
            _cells[i].Pending++;
        }
    }

    public void End(int[] at)
    {
        foreach (var i in at)
        {
            _cells[i].Pending--;
        }
    }

    /// <summary>One failure more; from <paramref name="free"/> on each doubles the wait.</summary>
    public void Count(int[] at, TimeSpan now, int free, TimeSpan longest)
    {
        foreach (var i in at)
        {
            _cells[i].Count(now.Ticks, free, longest);
        }
    }

    public void Clear(int[] at)
    {
        foreach (var i in at)
        {
            _cells[i].Failures = 0;
            _cells[i].NotBefore = 0;
        }
    }

    /// <summary>Times are ticks of a clock that nobody sets.</summary>
    private struct Cell
    {
        public int Failures;
        public int Pending;
        public long Last;
        public long NotBefore;

        public readonly int FailuresAt(long now) => now - Last > Forgotten.Ticks ? 0 : Failures;

        public readonly TimeSpan Wait(long now, int free)
        {
            if (NotBefore > now)
            {
                return TimeSpan.FromTicks(NotBefore - now);
            }

            // Beyond the free ones they come one by one.
            return Pending > 0 && FailuresAt(now) + Pending >= free ? WhilePending : TimeSpan.Zero;
        }

        public void Count(long now, int free, TimeSpan longest)
        {
            Failures = FailuresAt(now) + 1;
            Last = now;
            var beyond = Failures - free;
            if (beyond >= 0)
            {
                var wait = TimeSpan.FromSeconds(1L << Math.Min(beyond, MostDoublings));
                NotBefore = now + (wait < longest ? wait : longest).Ticks;
            }
        }
    }
}
