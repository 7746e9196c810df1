using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>How much a write outlives once its call has returned. Both outlive a kill of the process.</summary>
internal enum Durability
{
    /// <summary>A loss of power may take the last moments: for what is reported again by itself.</summary>
    Relaxed,

    /// <summary>A loss of power takes nothing.</summary>
    Full,
}

/// <summary>A write on its way through the queue. Its caller may walk away until it is begun, and not after.</summary>
internal abstract class SqliteWrite(Durability durability)
{
    private const int Queued = 0;
    private const int Begun = 1;
    private const int Abandoned = 2;
    private int _stage;

    public Durability Durability => durability;

    /// <summary>False when the caller has gone: then it must not run.</summary>
    public bool TryBegin() => Interlocked.CompareExchange(ref _stage, Begun, Queued) == Queued;

    /// <summary>Runs inside a transaction; again if that was rolled back on account of another write.</summary>
    public abstract void Run(SqliteSession session);

    /// <summary>The transaction has been committed.</summary>
    public abstract void Complete();

    public abstract void Fail(Exception reason);

    protected bool TryAbandon() => Interlocked.CompareExchange(ref _stage, Abandoned, Queued) == Queued;
}

internal sealed class SqliteWrite<T>(Durability durability, Func<SqliteSession, T> work) : SqliteWrite(durability)
{
    private readonly TaskCompletionSource<T> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T? _result;

    public override void Run(SqliteSession session) => _result = work(session);

    public override void Complete() => _outcome.TrySetResult(_result!);

    public override void Fail(Exception reason) => _outcome.TrySetException(reason);

    /// <summary>Patience is real time, not the server's clock: a disk does not stall by a clock that a test has stopped.</summary>
    public async Task<T> WaitAsync(TimeSpan patience, CancellationToken ct)
    {
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(ct);
        gone.CancelAfter(patience);
        await using var registration = gone.Token.UnsafeRegister(
            static (write, token) => ((SqliteWrite<T>)write!).Abandon(),
            this);
        try
        {
            return await _outcome.Task;
        }
        catch (StoreUnavailableException) when (ct.IsCancellationRequested)
        {
            throw new OperationCanceledException(ct);
        }
    }

    private void Abandon()
    {
        if (TryAbandon())
        {
            _outcome.TrySetException(new StoreUnavailableException("The store is too busy to take the write in time."));
        }
    }
}
