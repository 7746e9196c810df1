using Microsoft.Data.Sqlite;
using SmartLock.Server.Audit;
using SQLitePCL;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>
/// One connection and the statements prepared on it; used by one thread at a time. The statements are driven by hand rather
/// than through ADO.NET, whose command retries a busy file in sleeps of its own and allocates for every parameter.
/// </summary>
internal sealed class SqliteSession : IDisposable
{
    /// <summary>Short, since doors wait meanwhile; and it is tried again after the next commit.</summary>
    private static readonly TimeSpan TruncationPatience = TimeSpan.FromMilliseconds(20);

    private readonly SqliteConnection _connection;
    private readonly TimeSpan _busyTimeout;

    // By reference: every text is a constant of the store that uses it, so the cache is bounded by the program's size.
    private readonly Dictionary<string, SqliteStatement> _statements = new(ReferenceEqualityComparer.Instance);

    private readonly AuditChain? _chain;

    /// <param name="chain">What makes the links of the log; a session without it reads only.</param>
    public SqliteSession(string file, TimeSpan busyTimeout, AuditChain? chain = null)
    {
        _chain = chain;
        _busyTimeout = busyTimeout;
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = file,
            Mode = SqliteOpenMode.ReadWrite,
            Pooling = false,
        }.ToString());
        try
        {
            _connection.Open();
            WaitFor(busyTimeout);
            // What is deleted may be somebody's name, so it is overwritten; most libraries do not unless they are told.
            Execute("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON;");
        }
        catch
        {
            _connection.Dispose();
            throw;
        }
    }

    public AuditChain Chain => _chain ?? throw new InvalidOperationException("This session appends no log entries.");

    public string LibraryVersion => _connection.ServerVersion;

    public bool InTransaction => raw.sqlite3_get_autocommit(Handle) == 0;

    /// <summary>Set by work that deletes what must not stay in the write-ahead log either, once it is committed.</summary>
    public bool MustErase { get; set; }

    private sqlite3 Handle => _connection.Handle!;

    /// <param name="sql">A constant.</param>
    public SqliteStatement Use(string sql)
    {
        if (!_statements.TryGetValue(sql, out var statement))
        {
            statement = new SqliteStatement(Handle, sql);
            _statements.Add(sql, statement);
        }

        statement.Take();
        return statement;
    }

    /// <summary>Closes a prepared statement, which would stand in the way of dropping its table.</summary>
    public void Forget(string sql)
    {
        if (_statements.Remove(sql, out var statement))
        {
            statement.Close();
        }
    }

    /// <summary>Runs a script, or a pragma that must not be prepared beforehand.</summary>
    public void Execute(string sql) => Check(raw.sqlite3_exec(Handle, sql));

    /// <summary>One number, from a statement that is not kept.</summary>
    public long Scalar(string sql)
    {
        var statement = new SqliteStatement(Handle, sql);
        try
        {
            statement.Step();
            return statement.Int64(0);
        }
        finally
        {
            statement.Close();
        }
    }

    /// <summary>Copies the write-ahead log into the file and empties it; false when somebody who reads was in the way.</summary>
    public bool TryTruncateLog()
    {
        WaitFor(TruncationPatience);
        try
        {
            return Scalar("PRAGMA wal_checkpoint(TRUNCATE)") == 0;
        }
        finally
        {
            WaitFor(_busyTimeout);
        }
    }

    public void Dispose()
    {
        foreach (var statement in _statements.Values)
        {
            statement.Close();
        }

        _statements.Clear();
        _connection.Dispose();
    }

    private void WaitFor(TimeSpan time) => Check(raw.sqlite3_busy_timeout(Handle, (int)time.TotalMilliseconds));

    private void Check(int code) => SqliteException.ThrowExceptionForRC(code, Handle);
}
