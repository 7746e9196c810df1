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
    private readonly SqliteConnection _connection;

    // By reference: every text is a constant of the store that uses it, so the cache is bounded by the program's size.
    private readonly Dictionary<string, SqliteStatement> _statements = new(ReferenceEqualityComparer.Instance);

    private readonly AuditChain? _chain;

    /// <param name="chain">What makes the links of the log; a session without it reads only.</param>
    public SqliteSession(string file, TimeSpan busyTimeout, AuditChain? chain = null)
    {
        _chain = chain;
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = file,
            Mode = SqliteOpenMode.ReadWrite,
            Pooling = false,
        }.ToString());
        try
        {
            _connection.Open();
            Check(raw.sqlite3_busy_timeout(Handle, (int)busyTimeout.TotalMilliseconds));
            Execute("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;");
        }
        catch
        {
            _connection.Dispose();
            throw;
        }
    }

    public AuditChain Chain => _chain ?? throw new InvalidOperationException("This session appends no log entries.");

    public bool InTransaction => raw.sqlite3_get_autocommit(Handle) == 0;

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

    public void Dispose()
    {
        foreach (var statement in _statements.Values)
        {
            statement.Close();
        }

        _statements.Clear();
        _connection.Dispose();
    }

    private void Check(int code) => SqliteException.ThrowExceptionForRC(code, Handle);
}
