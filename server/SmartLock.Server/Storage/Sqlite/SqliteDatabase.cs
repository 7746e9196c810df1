using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>What the SQLite stores read and write through. Opened by the host's start, or by the first use where no host runs.</summary>
internal sealed class SqliteDatabase : IDisposable
{
    private readonly ILogger<SqliteDatabase> _logger;
    private readonly SqliteFile _file;
    private readonly SqliteReaders _readers;
    private readonly Lazy<SqliteWriter> _writer;
    private readonly System.Threading.Lock _gate = new();
    private volatile bool _ready;

    /// <param name="keys">Null where the caller has seen to the keys.</param>
    public SqliteDatabase(
        string path,
        SqliteOptions options,
        AuditChain chain,
        ILogger<SqliteDatabase> logger,
        SqliteLayout? layout = null,
        SqliteKeys? keys = null)
    {
        _logger = logger;
        _file = new SqliteFile(path, options, chain, layout, keys);
        _readers = new SqliteReaders(_file, options);
        _writer = new Lazy<SqliteWriter>(() => new SqliteWriter(_file, options, logger));
    }

    /// <summary>Why writes fail just now, or null.</summary>
    public string? WriteFailure => _writer.IsValueCreated ? _writer.Value.Failure : null;

    /// <summary>Writes that wait for their turn.</summary>
    public int QueuedWrites => _writer.IsValueCreated ? _writer.Value.Queued : 0;

    /// <summary>Makes the file and its tables where they are missing.</summary>
    /// <exception cref="StartupException">Says in one sentence what to mend.</exception>
    public void Open() => Open(_file.Prepare);

    /// <summary>For what only reads: makes nothing. False when there is nothing to read.</summary>
    /// <exception cref="StartupException">Says in one sentence what to mend.</exception>
    public bool OpenToRead()
    {
        if (!_file.Exists)
        {
            return false;
        }

        Open(_file.Check);
        return true;
    }

    /// <param name="read">Runs on the caller's thread; its statements each see the last commit.</param>
    public ValueTask<T> ReadAsync<T>(Func<SqliteSession, T> read, CancellationToken ct)
    {
        Open();
        return _readers.RunAsync(read, ct);
    }

    /// <inheritdoc cref="SqliteWriter.RunAsync"/>
    public Task<T> WriteAsync<T>(Durability durability, Func<SqliteSession, T> work, CancellationToken ct)
    {
        Open();
        return _writer.Value.RunAsync(durability, work, ct);
    }

    private void Open(Func<string> prepare)
    {
        if (_ready)
        {
            return;
        }

        lock (_gate)
        {
            if (_ready)
            {
                return;
            }

            var version = prepare();
            _ready = true;
            SqliteLog.Opened(_logger, _file.Path, version);
        }
    }

    public void Dispose()
    {
        if (_writer.IsValueCreated)
        {
            _writer.Value.Dispose();
        }

        _readers.Dispose();
    }
}
