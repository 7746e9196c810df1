using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>
/// A bounded pool of reading connections. Reads run on the caller's thread: with a write-ahead log no writer makes them wait,
/// and a query of some microseconds costs less than a hop to another thread.
/// </summary>
internal sealed class SqliteReaders(SqliteFile file, SqliteOptions options) : IDisposable
{
    private readonly SemaphoreSlim _free = new(options.Readers);
    private readonly ConcurrentStack<SqliteSession> _idle = new();
    private bool _closed;

    public async ValueTask<T> RunAsync<T>(Func<SqliteSession, T> read, CancellationToken ct)
    {
        if (!await _free.WaitAsync(options.QueueTimeout, ct))
        {
            throw new StoreUnavailableException("Too many readers wait for the store.");
        }

        try
        {
            return Run(read);
        }
        catch (SqliteException failure) when (SqliteErrors.IsUnavailable(failure))
        {
            throw SqliteErrors.ToUnavailable(failure);
        }
        finally
        {
            _free.Release();
        }
    }

    public void Dispose()
    {
        Volatile.Write(ref _closed, true);
        while (_idle.TryPop(out var session))
        {
            session.Dispose();
        }
    }

    private T Run<T>(Func<SqliteSession, T> read)
    {
        if (Volatile.Read(ref _closed))
        {
            throw new StoreUnavailableException("The store is closed.");
        }

        var session = _idle.TryPop(out var idle) ? idle : file.OpenReader();
        T result;
        try
        {
            result = read(session);
        }
        catch
        {
            // Whatever it was: the next reader gets a fresh connection, not one in an unknown state.
            session.Dispose();
            throw;
        }

        _idle.Push(session);
        if (Volatile.Read(ref _closed))
        {
            Dispose();
        }

        return result;
    }
}
