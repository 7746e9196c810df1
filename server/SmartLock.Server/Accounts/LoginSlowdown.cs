namespace SmartLock.Server.Accounts;

/// <summary>
/// Makes guessing passwords slow, by account and by address: after a few free attempts each further failure doubles the wait.
/// It slows and never locks out, since otherwise anybody could keep an owner from their door. Counts live in as many cells as
/// are allotted, by keyed hash, so that no flood of names or addresses takes more memory or pushes out what is counted.
/// </summary>
internal sealed class LoginSlowdown(TimeProvider clock)
{
    public const int FreePerAccount = 5;
    public const int FreePerAddress = 30;

    public static readonly TimeSpan LongestForAccount = TimeSpan.FromMinutes(1);
    public static readonly TimeSpan LongestForAddress = TimeSpan.FromMinutes(15);

    /// <summary>Quiet for so long, and all is forgotten.</summary>
    public static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(30);

    private const int Cells = 1 << 15;
    private const int MostDoublings = 30;
    private readonly System.Threading.Lock _gate = new();
    private readonly Cell[] _accounts = new Cell[Cells];
    private readonly Cell[] _addresses = new Cell[Cells];

    /// <summary>
    /// How long to wait first, or null when the attempt may be made. A permitted attempt counts as failed until
    /// <see cref="Succeeded"/>: a hundred guesses sent at once are a hundred failures. A refused one counts for nothing.
    /// </summary>
    public TimeSpan? TryBegin(string username, string address)
    {
        var now = clock.GetUtcNow();
        lock (_gate)
        {
            ref var account = ref CellOf(_accounts, username);
            ref var source = ref CellOf(_addresses, address);
            var wait = Later(account.NotBefore, source.NotBefore) - now;
            if (wait > TimeSpan.Zero)
            {
                return wait;
            }

            Count(ref account, now, FreePerAccount, LongestForAccount);
            Count(ref source, now, FreePerAddress, LongestForAddress);
            return null;
        }
    }

    /// <summary>
    /// The account starts afresh. The address only takes back its own attempt: an account of one's own must not buy guesses
    /// at others.
    /// </summary>
    public void Succeeded(string username, string address)
    {
        lock (_gate)
        {
            CellOf(_accounts, username) = default;
            ref var source = ref CellOf(_addresses, address);
            source.Failures = Math.Max(0, source.Failures - 1);
            source.NotBefore = source.Failures <= FreePerAddress ? default : source.NotBefore;
        }
    }

    private static void Count(ref Cell cell, DateTimeOffset now, int free, TimeSpan longest)
    {
        cell.Failures = now - cell.Last > Forgotten ? 1 : cell.Failures + 1;
        cell.Last = now;
        var beyond = cell.Failures - free;
        if (beyond >= 0)
        {
            var wait = TimeSpan.FromSeconds(1L << Math.Min(beyond, MostDoublings));
            cell.NotBefore = now + (wait < longest ? wait : longest);
        }
    }

    private static ref Cell CellOf(Cell[] cells, string key) =>
        ref cells[(uint)StringComparer.OrdinalIgnoreCase.GetHashCode(key) % (uint)cells.Length];

    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;

    private struct Cell
    {
        public int Failures;
        public DateTimeOffset Last;
        public DateTimeOffset NotBefore;
    }
}
