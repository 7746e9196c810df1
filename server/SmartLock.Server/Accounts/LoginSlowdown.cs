namespace SmartLock.Server.Accounts;

/// <summary>
/// Makes guessing slow without letting anybody hold an owner out. What is counted are failures of an account from one address, and of an
/// address over all accounts: after a few free ones each further failure doubles the wait. Nobody waits for what came from elsewhere. What an
/// account suffers from everywhere only makes each address's own failures dearer: under siege an address has one free failure instead of five,
/// and waits longer, but the first attempt from an address is always looked at, and the owner's is the right one.
/// Codes of a second factor are short, so they are counted for the account as a whole; only who knows the password comes that far.
/// <para>
/// Counts live in as many cells as are allotted, by keyed hash, so that no flood of names or addresses takes more memory or pushes
/// out what is counted. Two that share a cell share its wait, which is why there are many cells and no wait is endless.
/// </para>
/// </summary>
internal sealed class LoginSlowdown(TimeProvider clock)
{
    public const int FreePerAccountAndAddress = 5;
    public const int FreeUnderSiege = 1;
    public const int FreePerAddress = 30;
    public const int FreeCodes = 10;

    /// <summary>So many failures of one account, from wherever, are a siege.</summary>
    public const int Siege = 100;

    public static readonly TimeSpan LongestForAccount = TimeSpan.FromMinutes(1);
    public static readonly TimeSpan LongestUnderSiege = TimeSpan.FromMinutes(5);
    public static readonly TimeSpan LongestForAddress = TimeSpan.FromMinutes(15);
    public static readonly TimeSpan LongestForCodes = TimeSpan.FromMinutes(15);

    /// <summary>Quiet for so long, and all is forgotten.</summary>
    public static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(30);

    /// <summary>For those who come while as many attempts as may fail are being looked at.</summary>
    private static readonly TimeSpan WhilePending = TimeSpan.FromSeconds(1);

    private const int PairCells = 1 << 17;
    private const int OtherCells = 1 << 15;
    private const int MostDoublings = 30;
    private readonly TimeProvider _clock = clock;
    private readonly System.Threading.Lock _gate = new();
    private readonly Cell[] _pairs = new Cell[PairCells];
    private readonly Cell[] _addresses = new Cell[OtherCells];
    private readonly Cell[] _accounts = new Cell[OtherCells];
    private readonly Cell[] _codes = new Cell[OtherCells];

    /// <summary>Begins an attempt, unless it must wait; dispose it when it is over. A hundred guesses sent at once do not all get through.</summary>
    public Attempt? TryBegin(string username, string address, out TimeSpan wait)
    {
        var pair = IndexOf(_pairs, username + '\0' + address);
        var source = IndexOf(_addresses, address);
        var account = IndexOf(_accounts, username);
        var now = _clock.GetUtcNow();
        lock (_gate)
        {
            var free = IsBesieged(_accounts[account], now) ? FreeUnderSiege : FreePerAccountAndAddress;
            wait = Later(_pairs[pair].Wait(now, free), _addresses[source].Wait(now, FreePerAddress));
            if (wait > TimeSpan.Zero)
            {
                return null;
            }

            _pairs[pair].Pending++;
            _addresses[source].Pending++;
            return new Attempt(this, pair, source, account);
        }
    }

    /// <summary>The same for a code of the account's second factor.</summary>
    public CodeAttempt? TryBeginCode(string username, out TimeSpan wait)
    {
        var index = IndexOf(_codes, username);
        lock (_gate)
        {
            wait = _codes[index].Wait(_clock.GetUtcNow(), FreeCodes);
            if (wait > TimeSpan.Zero)
            {
                return null;
            }

            _codes[index].Pending++;
            return new CodeAttempt(this, index);
        }
    }

    private static bool IsBesieged(in Cell account, DateTimeOffset now) => account.Failures >= Siege && now - account.Last <= Forgotten;

    private static int IndexOf(Cell[] cells, string key) =>
        (int)((uint)StringComparer.OrdinalIgnoreCase.GetHashCode(key) % (uint)cells.Length);

    private static TimeSpan Later(TimeSpan a, TimeSpan b) => a > b ? a : b;

    /// <summary>A sign-in that is being looked at. One that is neither refused nor right was not looked at, and counts for nothing.</summary>
    internal sealed class Attempt(LoginSlowdown slowdown, int pair, int address, int account) : IDisposable
    {
        private bool _over;

        public void Failed()
        {
            var now = slowdown._clock.GetUtcNow();
            lock (slowdown._gate)
            {
                if (!TryEnd())
                {
                    return;
                }

                slowdown._accounts[account].Count(now, Siege, TimeSpan.Zero);
                var besieged = IsBesieged(slowdown._accounts[account], now);
                slowdown._pairs[pair].Count(
                    now, besieged ? FreeUnderSiege : FreePerAccountAndAddress, besieged ? LongestUnderSiege : LongestForAccount);
                slowdown._addresses[address].Count(now, FreePerAddress, LongestForAddress);
            }
        }

        /// <summary>The account starts afresh at this address. The address does not: an account of one's own must not buy guesses at others.</summary>
        public void Succeeded()
        {
            lock (slowdown._gate)
            {
                if (TryEnd())
                {
                    slowdown._pairs[pair].Clear();
                }
            }
        }

        public void Dispose()
        {
            lock (slowdown._gate)
            {
                TryEnd();
            }
        }

        private bool TryEnd()
        {
            if (_over)
            {
                return false;
            }

            _over = true;
            slowdown._pairs[pair].Pending--;
            slowdown._addresses[address].Pending--;
            return true;
        }
    }

    /// <summary>A code that is being looked at; as <see cref="Attempt"/>.</summary>
    internal sealed class CodeAttempt(LoginSlowdown slowdown, int index) : IDisposable
    {
        private bool _over;

        public void Failed() => End(static (ref Cell cell, DateTimeOffset now) => cell.Count(now, FreeCodes, LongestForCodes));

        public void Succeeded() => End(static (ref Cell cell, DateTimeOffset _) => cell.Clear());

        public void Dispose() => End(static (ref Cell _, DateTimeOffset _) => { });

        private void End(CellChange change)
        {
            var now = slowdown._clock.GetUtcNow();
            lock (slowdown._gate)
            {
                if (_over)
                {
                    return;
                }

                _over = true;
                slowdown._codes[index].Pending--;
                change(ref slowdown._codes[index], now);
            }
        }

        private delegate void CellChange(ref Cell cell, DateTimeOffset now);
    }

    private struct Cell
    {
        public int Failures;
        public int Pending;
        public DateTimeOffset Last;
        public DateTimeOffset NotBefore;

        public readonly TimeSpan Wait(DateTimeOffset now, int free)
        {
            if (NotBefore > now)
            {
                return NotBefore - now;
            }

            // Beyond the free ones they come one by one.
            var failures = now - Last > Forgotten ? 0 : Failures;
            return Pending > 0 && failures + Pending >= free ? WhilePending : TimeSpan.Zero;
        }

        public void Count(DateTimeOffset now, int free, TimeSpan longest)
        {
            Failures = now - Last > Forgotten ? 1 : Failures + 1;
            Last = now;
            var beyond = Failures - free;
            if (beyond >= 0)
            {
                var wait = TimeSpan.FromSeconds(1L << Math.Min(beyond, MostDoublings));
                NotBefore = now + (wait < longest ? wait : longest);
            }
        }

        public void Clear()
        {
            Failures = 0;
            NotBefore = default;
        }
    }
}
