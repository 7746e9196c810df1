using System.Diagnostics;
using MongoDB.Driver;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>Runs transactions, again where another was in the way, within bounds.</summary>
internal sealed class MongoTransactions(MongoDatabase database, IMongoClient client, MongoChains chains) : IDisposable
{
    private const int MostAttempts = 50;
    private const int MostCommits = 3;
    private const int PauseStepMs = 25;
    private const int LongestPauseMs = 100;

    /// <summary>Of real time, as the pauses are: see <see cref="PauseAsync"/>.</summary>
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(10);

    /// <summary>The write concern is the client's: a majority.</summary>
    private static readonly TransactionOptions Snapshot = new(ReadConcern.Snapshot, ReadPreference.Primary);

    private readonly MongoTurns _turns = new();

    /// <inheritdoc cref="MongoChains.SealsAsBefore"/>
    public bool SealsAsBefore
    {
        set => chains.SealsAsBefore = value;
    }

    /// <summary>Transactions that wait for their turn.</summary>
    public int Waiting => _turns.Waiting;

    /// <param name="turns">As far as they are known before; see <see cref="MongoTransaction.Turns"/>.</param>
    /// <exception cref="StoreUnavailableException">Others were in the way too often.</exception>
    public async Task<T> RunAsync<T>(IReadOnlyCollection<string> turns, Func<MongoTransaction, Task<T>> work, CancellationToken ct)
    {
        using var session = await client.StartSessionAsync(cancellationToken: ct);
        var turn = await _turns.EnterAsync(turns, ct);
        try
        {
            var begun = Stopwatch.GetTimestamp();
            var searchesEnds = false;
            for (var attempt = 1; ; attempt++)
            {
                var transaction = new MongoTransaction(database, chains, session, searchesEnds, ct);
                try
                {
                    return await RunOnceAsync(transaction, work);
                }
                catch (Exception e) when (MongoErrors.IsRetryable(e))
                {
                    if (attempt == MostAttempts || Stopwatch.GetElapsedTime(begun) > LongestRetry)
                    {
                        throw MongoErrors.IsUnavailable(e)
                            ? MongoErrors.ToUnavailable(e)
                            : new StoreUnavailableException("Others change the same at the same time; try again.", e);
                    }

                    searchesEnds |= MongoErrors.IsDuplicateKey(e);
                }

                // The turn is kept while the work runs again, unless it needs others as well.
                if (transaction.Turns.Except(turns).Any())
                {
                    turns = [.. turns.Union(transaction.Turns)];
                    turn.Dispose();
                    turn = await _turns.EnterAsync(turns, ct);
                    begun = Stopwatch.GetTimestamp();
                }

                await PauseAsync(attempt, ct);
            }
        }
        finally
        {
            turn.Dispose();
        }
    }

    /// <summary>
    /// So that the same do not meet again, the longer the more often they did. No matter of the server's clock, which may stand still in a test.
    /// </summary>
    public static Task PauseAsync(int attempt, CancellationToken ct) =>
        Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(1, Math.Min(attempt * PauseStepMs, LongestPauseMs))), TimeProvider.System, ct);

    public void Dispose() => _turns.Dispose();

    private static async Task<T> RunOnceAsync<T>(MongoTransaction transaction, Func<MongoTransaction, Task<T>> work)
    {
        var session = transaction.Session;
        session.StartTransaction(Snapshot);
        try
        {
            var result = await work(transaction);
            await CommitAsync(session);
            return result;
        }
        finally
        {
            if (session.IsInTransaction)
            {
                // The driver passes over its failure: the server ends it by itself then.
                await session.AbortTransactionAsync(CancellationToken.None);
            }
        }
    }

    /// <summary>Not to be cancelled: it would not be known whether it was done. A commit may be repeated.</summary>
    private static async Task CommitAsync(IClientSessionHandle session)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await session.CommitTransactionAsync(CancellationToken.None);
                return;
            }
            catch (MongoException e) when (attempt < MostCommits && e.HasErrorLabel("UnknownTransactionCommitResult"))
            {
                await PauseAsync(attempt, CancellationToken.None);
            }
        }
    }
}
