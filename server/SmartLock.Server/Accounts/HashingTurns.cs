using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

internal enum HashingLane
{
    /// <summary>Whoever is signed in, or signs in to an account from a network that it was signed in from before.</summary>
    Known,

    /// <summary>All other sign-ins.</summary>
    SignIn,

    Registration,
}

/// <summary>What a password is hashed for.</summary>
/// <param name="Address">As in <see cref="ClientAddress"/>.</param>
internal readonly record struct HashingTurn(HashingLane Lane, string Address)
{
    /// <summary>The operator, or a program that runs beside the server.</summary>
    public static readonly HashingTurn Operator = new(HashingLane.Known, "local");

    public static HashingTurn OfSignIn(string address, bool isKnown) => new(isKnown ? HashingLane.Known : HashingLane.SignIn, address);

    public static HashingTurn OfRegistration(string address) => new(HashingLane.Registration, address);
}

/// <summary>
/// A few passwords are hashed at a time, since hashing is slow on purpose and processors are to be left to doors. Whoever floods the others of their
/// lane waits, and not they: of those that wait it is the network's turn that had least of late, and within it the address's; when too many wait, the
/// one that has to go is of the network that waits most often. A turn is kept free for those who are known, so that strangers in whatever number of
/// networks do not hold an owner up.
/// </summary>
/// <param name="permits">Beside the one that is kept for those who are known.</param>
internal sealed class HashingTurns(int permits, TimeProvider time)
{
    /// <summary>Per lane.</summary>
    public const int MostWaiting = 64;

    private static readonly HashingLane[] Lanes = Enum.GetValues<HashingLane>();

    private readonly System.Threading.Lock _gate = new();
    private readonly List<Waiting>[] _waiting = [.. Lanes.Select(_ => new List<Waiting>())];
    private readonly RecentUse _byNetwork = new(time);
    private readonly RecentUse _byAddress = new(time);
    private int _free = permits;
    private bool _isKeptFree = true;
    private int _lastLane;
    private long _arrivals;

    /// <summary>Dispose it when the password is hashed. Null when others of the lane wait who have more right to.</summary>
    public async Task<IDisposable?> EnterAsync(HashingTurn turn, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        Waiting waiting;
        lock (_gate)
        {
            waiting = new Waiting(turn, ClientAddress.NetworkOf(turn.Address), _arrivals++);
            if (TryTake(turn.Lane) is { } slot)
            {
                CountUse(waiting);
                return slot;
            }

            if (!TryQueue(waiting))
            {
                return null;
            }
        }

        await using var cancelled = ct.Register(() => Cancel(waiting, ct));
        return await waiting.Turn.Task;
    }

    private Slot? TryTake(HashingLane lane)
    {
        if (lane is HashingLane.Known && _isKeptFree)
        {
            _isKeptFree = false;
            return new Slot(this, isKept: true);
        }

        if (_free == 0)
        {
            return null;
        }

        _free--;
        return new Slot(this, isKept: false);
    }

    private bool TryQueue(Waiting waiting)
    {
        var lane = _waiting[(int)waiting.For.Lane];
        if (lane.Count == MostWaiting)
        {
            var perNetwork = lane.Append(waiting).CountBy(w => w.Network).ToDictionary();
            var last = lane.Append(waiting).MaxBy(w => (perNetwork[w.Network], _byNetwork.Of(w.Network), _byAddress.Of(w.For.Address), w.Arrival))!;
            if (last == waiting)
            {
                return false;
            }

            lane.Remove(last);
            last.Turn.SetResult(null);
        }

        lane.Add(waiting);
        return true;
    }

    private void Release(bool isKept)
    {
        lock (_gate)
        {
            if (Next(isKept) is not { } next)
            {
                _isKeptFree |= isKept;
                _free += isKept ? 0 : 1;
                return;
            }

            _waiting[(int)next.For.Lane].Remove(next);
            CountUse(next);
            next.Turn.SetResult(new Slot(this, isKept));
        }
    }

    /// <summary>The turn that is kept goes to who is known; the others go round the lanes, so that registrations hold no sign-in up.</summary>
    private Waiting? Next(bool isKept)
    {
        if (isKept)
        {
            return FirstOf((int)HashingLane.Known);
        }

        for (var i = 1; i <= Lanes.Length; i++)
        {
            var lane = (_lastLane + i) % Lanes.Length;
            if (FirstOf(lane) is { } first)
            {
                _lastLane = lane;
                return first;
            }
        }

        return null;
    }

    private Waiting? FirstOf(int lane) => _waiting[lane].MinBy(w => (_byNetwork.Of(w.Network), _byAddress.Of(w.For.Address), w.Arrival));

    private void CountUse(Waiting waiting)
    {
        _byNetwork.Add(waiting.Network);
        _byAddress.Add(waiting.For.Address);
    }

    private void Cancel(Waiting waiting, CancellationToken ct)
    {
        lock (_gate)
        {
            // Unless it was just given its turn, which it then has to give back.
            if (_waiting[(int)waiting.For.Lane].Remove(waiting))
            {
                waiting.Turn.SetCanceled(ct);
            }
        }
    }

    private sealed class Waiting(HashingTurn turn, string network, long arrival)
    {
        public HashingTurn For => turn;

        public string Network => network;

        public long Arrival => arrival;

        public TaskCompletionSource<IDisposable?> Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed class Slot(HashingTurns turns, bool isKept) : IDisposable
    {
        private int _over;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _over, 1) == 0)
            {
                turns.Release(isKept);
            }
        }
    }
}
