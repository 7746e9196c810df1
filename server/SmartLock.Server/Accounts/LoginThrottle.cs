using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

/// <summary>
/// Makes guessing slow without letting anybody hold an owner out. What is counted are failures of an account from one address, and of an
/// address over all accounts: after a few free ones each further failure doubles the wait. Nobody waits for what came from elsewhere. What an
/// account suffers from everywhere only makes each address's own failures dearer: under siege an address has one free failure instead of five,
/// and waits longer, but the first attempt from an address is always looked at, and the owner's is the right one.
/// Codes of a second factor are short, so they are counted for the account as a whole; only who knows the password comes that far.
/// It takes a fixed amount of memory, whatever floods in: see <see cref="FailureCounts"/>.
/// </summary>
internal sealed class LoginThrottle(TimeProvider clock)
{
    public const int FreePerAccountAndAddress = 5;
    public const int FreeUnderSiege = 1;
    public const int FreePerAddress = 30;

    /// <summary>Failures of one account from all addresses of an IPv6 /48, which one customer may have; not counted where the account is known.</summary>
    public const int FreePerAccountAndSite = 20;
    public const int FreeCodes = 10;

    /// <summary>So many failures of one account, from wherever, are a siege.</summary>
    public const int Siege = 100;

    /// <summary>So many refusals in a row are all put on the record.</summary>
    public const int FreeRecords = 20;

    public static readonly TimeSpan LongestForAccount = TimeSpan.FromMinutes(1);
    public static readonly TimeSpan LongestUnderSiege = TimeSpan.FromMinutes(5);
    public static readonly TimeSpan LongestForAddress = TimeSpan.FromMinutes(15);
    public static readonly TimeSpan LongestForCodes = TimeSpan.FromMinutes(15);
    public static readonly TimeSpan LongestBetweenRecords = TimeSpan.FromMinutes(10);

    private readonly long _start = clock.GetTimestamp();
    private readonly System.Threading.Lock _gate = new();
    private readonly FailureCounts _pairs = new(3, 1 << 16);
    private readonly FailureCounts _addresses = new(3, 1 << 16);
    private readonly FailureCounts _sites = new(3, 1 << 16);
    private readonly FailureCounts _accounts = new(2, 1 << 14);
    private readonly FailureCounts _codes = new(2, 1 << 14);
    private readonly FailureCounts _records = new(2, 1 << 14);

    /// <summary>By a clock that nobody sets.</summary>
    private TimeSpan Now => clock.GetElapsedTime(_start);

    /// <summary>Begins an attempt, unless it must wait; dispose it when it is over. A hundred guesses sent at once do not all get through.</summary>
    /// <param name="isKnown">The account was signed in from this network before: then its neighbours' failures are not the owner's.</param>
    public Attempt? TryBegin(string username, string address, bool isKnown, out TimeSpan wait)
    {
        var site = isKnown || !address.Contains(':', StringComparison.Ordinal) ? null : _sites.Find(username + '\0' + ClientAddress.NetworkOf(address));
        var pair = _pairs.Find(username + '\0' + address);
        var source = _addresses.Find(address);
        var account = _accounts.Find(username);
        var now = Now;
        lock (_gate)
        {
            var free = IsBesieged(account, now) ? FreeUnderSiege : FreePerAccountAndAddress;
            var (forPair, forAddress) = (_pairs.Wait(pair, now, free), _addresses.Wait(source, now, FreePerAddress));
            wait = forPair > forAddress ? forPair : forAddress;
            if (site is not null && _sites.Wait(site, now, FreePerAccountAndSite) is var forSite && forSite > wait)
            {
                wait = forSite;
            }

            if (wait > TimeSpan.Zero)
            {
                return null;
            }

            _pairs.Begin(pair);
            _addresses.Begin(source);
            _sites.Begin(site ?? []);
            return new Attempt(
                _gate,
                end: () =>
                {
                    _pairs.End(pair);
                    _addresses.End(source);
                    _sites.End(site ?? []);
                },
                fail: () =>
                {
                    CountFailure(pair, source, account);
                    _sites.Count(site ?? [], Now, FreePerAccountAndSite, LongestForAccount);
                },
                // The account starts afresh at this address. The address does not: an account of one's own must not buy guesses at others.
                succeed: () =>
                {
                    _pairs.Clear(pair);
                    _sites.Clear(site ?? []);
                });
        }
    }

    /// <summary>The same for a code of the account's second factor.</summary>
    public Attempt? TryBeginCode(string username, out TimeSpan wait)
    {
        var at = _codes.Find(username);
        lock (_gate)
        {
            wait = _codes.Wait(at, Now, FreeCodes);
            if (wait > TimeSpan.Zero)
            {
                return null;
            }

            _codes.Begin(at);
            return new Attempt(
                _gate,
                end: () => _codes.End(at),
                fail: () => _codes.Count(at, Now, FreeCodes, LongestForCodes),
                succeed: () => _codes.Clear(at));
        }
    }

    /// <summary>
    /// Whether one more refusal of an account for this reason goes on the record, which is kept for good: a siege from many addresses must
    /// not fill the disk. Beyond the first ones they are further and further apart.
    /// </summary>
    public bool TryRecord(string username, string reason)
    {
        var at = _records.Find(username + '\0' + reason);
        var now = Now;
        lock (_gate)
        {
            if (_records.Wait(at, now, FreeRecords) > TimeSpan.Zero)
            {
                return false;
            }

            _records.Count(at, now, FreeRecords, LongestBetweenRecords);
            return true;
        }
    }

    private void CountFailure(int[] pair, int[] address, int[] account)
    {
        var now = Now;
        _accounts.Count(account, now, Siege, TimeSpan.Zero);
        _addresses.Count(address, now, FreePerAddress, LongestForAddress);
        if (IsBesieged(account, now))
        {
            _pairs.Count(pair, now, FreeUnderSiege, LongestUnderSiege);
        }
        else
        {
            _pairs.Count(pair, now, FreePerAccountAndAddress, LongestForAccount);
        }
    }

    private bool IsBesieged(int[] account, TimeSpan now) => _accounts.Failures(account, now) >= Siege;

    /// <summary>An attempt that is being looked at. One that neither failed nor succeeded was not looked at, and counts for nothing.</summary>
    internal sealed class Attempt(System.Threading.Lock gate, Action end, Action fail, Action succeed) : IDisposable
    {
        private bool _over;

        public void Failed() => End(fail);

        public void Succeeded() => End(succeed);

        public void Dispose() => End(static () => { });

        private void End(Action andThen)
        {
            lock (gate)
            {
                if (_over)
                {
                    return;
                }

                _over = true;
                end();
                andThen();
            }
        }
    }
}
