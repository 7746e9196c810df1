using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// Within this process, one transaction at a time appends to a chain, or touches an account: many at once would only conflict and run again.
/// Between processes the store's conflicts decide.
/// </summary>
internal sealed class MongoTurns : IDisposable
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(20);

    // Striped: as many as are worth having, not one per chain and account.
    private readonly SemaphoreSlim[] _stripes = [.. Enumerable.Range(0, 128).Select(_ => new SemaphoreSlim(1))];
    private int _waiting;

    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Waits for its turn, which lasts until the result is disposed.</summary>
    /// <exception cref="StoreUnavailableException">It did not come in time.</exception>
    public async Task<Turn> EnterAsync(IEnumerable<string> turns, CancellationToken ct)
    {
        var turn = new Turn();

        // Always in the same order, so that no two wait for each other.
        foreach (var index in turns.Select(IndexOf).Distinct().Order())
        {
            if (!await WaitAsync(_stripes[index], ct))
            {
                turn.Dispose();
                throw new StoreUnavailableException("Too many changes of the same wait before this one.");
            }

            turn.Add(_stripes[index]);
        }

        return turn;
    }

    public void Dispose()
    {
        foreach (var stripe in _stripes)
        {
            stripe.Dispose();
        }
    }

    private int IndexOf(string of) => (int)((uint)of.GetHashCode(StringComparison.Ordinal) % _stripes.Length);

    private async Task<bool> WaitAsync(SemaphoreSlim stripe, CancellationToken ct)
    {
        Interlocked.Increment(ref _waiting);
        try
        {
            return await stripe.WaitAsync(LongestWait, ct);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    internal sealed class Turn : IDisposable
    {
        private readonly List<SemaphoreSlim> _held = [];

        public void Add(SemaphoreSlim stripe) => _held.Add(stripe);

        public void Dispose()
        {
            _held.ForEach(stripe => stripe.Release());
            _held.Clear();
        }
    }
}
