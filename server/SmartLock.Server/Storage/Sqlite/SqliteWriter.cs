using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>
/// The one gate to the file's one writer: a bounded queue, first come first served, worked off by a thread of its own. SQLite is
/// synchronous and a durable commit waits for the disk; on this thread that stalls no request that does not write.
/// Durable writes that wait together share one commit, so a slow disk costs one wait, not one each.
/// One connection serves both durabilities, switched between transactions: two would throw away each other's page cache.
/// </summary>
internal sealed class SqliteWriter : IDisposable
{
    private const int MaxGroup = 64;
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(10);
    private readonly SqliteFile _file;
    private readonly SqliteOptions _options;
    private readonly ILogger _logger;
    private readonly BlockingCollection<SqliteWrite> _queue;
    private readonly List<SqliteWrite> _group = new(MaxGroup);
    private readonly Thread _thread;
    private SqliteSession? _session;
    private Durability? _durability;
    private bool _mustErase;
    private volatile string? _failure;
    private bool _closed;

    public SqliteWriter(SqliteFile file, SqliteOptions options, ILogger logger)
    {
        _file = file;
        _options = options;
        _logger = logger;
        _queue = new BlockingCollection<SqliteWrite>(options.MaxQueuedWrites);
        _thread = new Thread(WorkOff) { IsBackground = true, Name = "SQLite writer" };
        _thread.Start();
    }

    /// <summary>Why the last write failed on the machine's account; null when it did not.</summary>
    public string? Failure => _failure;

    public int Queued => _closed ? 0 : _queue.Count;

    /// <param name="work">Runs in a transaction on the writer's thread; touches nothing but the session and may be run twice.</param>
    /// <exception cref="StoreUnavailableException">Nothing was written.</exception>
    public Task<T> RunAsync<T>(Durability durability, Func<SqliteSession, T> work, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        var write = new SqliteWrite<T>(durability, work);
        bool queued;
        try
        {
            queued = _queue.TryAdd(write);
        }
        catch (InvalidOperationException)
        {
            throw new StoreUnavailableException("The store is closed.");
        }

        return queued
            ? write.WaitAsync(_options.QueueTimeout, ct)
            : throw new StoreUnavailableException("Too many writes wait for the store.");
    }

    /// <summary>Takes no more writes, ends those that wait, and closes the file.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _closed, true))
        {
            return;
        }

        _queue.CompleteAdding();
        if (_thread.Join(StopTimeout))
        {
            _queue.Dispose();
        }
    }

    private void WorkOff()
    {
        SqliteWrite? carried = null;
        while (carried is not null || _queue.TryTake(out carried, Timeout.Infinite))
        {
            var first = carried;
            carried = null;
            _group.Clear();
            Join(first);

            // Only durable writes share: a long batch of heartbeats must not hold up a command's commit.
            while (first.Durability == Durability.Full && _group.Count < MaxGroup && _queue.TryTake(out var next))
            {
                if (next.Durability != Durability.Full)
                {
                    carried = next;
                    break;
                }

                Join(next);
            }

            if (_group.Count > 0)
            {
                RunGroup(first.Durability);
            }
        }

        Discard();
    }

    private void Join(SqliteWrite write)
    {
        if (write.TryBegin())
        {
            _group.Add(write);
        }
    }

    private void RunGroup(Durability durability)
    {
        if (TryCommit(_group, durability) is not { } failure)
        {
            return;
        }

        // A store that cannot be written fails them all. A fault in one of them must not fail its neighbours.
        if (failure is StoreUnavailableException || _group.Count == 1)
        {
            _group.ForEach(write => write.Fail(failure));
            return;
        }

        foreach (var write in _group)
        {
            if (TryCommit([write], durability) is { } own)
            {
                write.Fail(own);
            }
        }
    }

    /// <returns>Null once all are committed and their callers told; otherwise why none is.</returns>
    private Exception? TryCommit(List<SqliteWrite> writes, Durability durability)
    {
        try
        {
            var session = Prepare(durability);
            session.Begin();
            foreach (var write in writes)
            {
                write.Run(session);
            }

            session.Commit();
            _mustErase |= session.MustErase;
            session.MustErase = false;
        }
        catch (Exception failure)
        {
            return Recover(failure);
        }

        NoteSuccess();
        if (_mustErase)
        {
            Erase(_session!);
        }

        writes.ForEach(write => write.Complete());
        return null;
    }

    /// <summary>What was written is committed and stays so, even if this fails; then the next commit is followed by another try.</summary>
    private void Erase(SqliteSession session)
    {
        try
        {
            _mustErase = !session.TryTruncateLog();
        }
        catch (SqliteException failure)
        {
            Recover(failure);
        }
    }

    private SqliteSession Prepare(Durability durability)
    {
        _session ??= _file.OpenWriter();
        if (_durability != durability)
        {
            _session.Execute(durability == Durability.Full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
            _durability = durability;
        }

        return _session;
    }

    private Exception Recover(Exception failure)
    {
        var sqlite = failure as SqliteException;
        if (sqlite is not null && !SqliteErrors.LeavesConnectionWhole(sqlite))
        {
            Discard();
        }

        RollBack();
        if (sqlite is null || !SqliteErrors.IsUnavailable(sqlite))
        {
            return failure;
        }

        var unavailable = SqliteErrors.ToUnavailable(sqlite);
        if (_failure is null)
        {
            SqliteLog.WritesFail(_logger, unavailable.Message, sqlite.SqliteExtendedErrorCode);
        }

        _failure = unavailable.Message;
        return unavailable;
    }

    private void RollBack()
    {
        try
        {
            _session?.RollBack();
        }
        catch (SqliteException)
        {
            // Closing the connection rolls back as well, and the next write opens another.
            Discard();
        }
    }

    private void NoteSuccess()
    {
        if (_failure is not null)
        {
            _failure = null;
            SqliteLog.WritesWorkAgain(_logger);
        }
    }

    private void Discard()
    {
        _session?.Dispose();
        _session = null;
        _durability = null;
    }
}
