using System.Data;
using System.Data.Common;
using Dapper;
using Microsoft.Data.Sqlite;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>One connection and its transaction; used by one thread at a time. Parameters and columns go by name (<see cref="SqliteMapping"/>).</summary>
internal sealed class SqliteSession : IDisposable
{
    /// <summary>Short, since doors wait meanwhile; and it is tried again after the next commit.</summary>
    private static readonly TimeSpan TruncationPatience = TimeSpan.FromMilliseconds(20);

    private readonly SqliteStatements _connection;
    private readonly TimeSpan _busyTimeout;

    // By reference: every text is a constant of the store that uses it, so the number is bounded by the program's size.
    private readonly Dictionary<string, SqlitePrepared> _prepared = new(ReferenceEqualityComparer.Instance);

    private readonly AuditChain? _chain;
    private SqliteTransaction? _transaction;

    static SqliteSession() => SqliteMapping.Register();

    /// <param name="busyTimeout">
    /// How long SQLite waits for another process that holds the file. ADO.NET's command tries again by itself for as long as its own timeout, whose
    /// shortest is one second: it is set to that, so a write waits for the longer of the two.
    /// </param>
    /// <param name="chain">What makes the links of the log and proves who its entries name; a session without it does neither.</param>
    public SqliteSession(string file, TimeSpan busyTimeout, AuditChain? chain = null)
    {
        _chain = chain;
        _busyTimeout = busyTimeout;
        _connection = new SqliteStatements(new SqliteConnectionStringBuilder
        {
            DataSource = file,
            Mode = SqliteOpenMode.ReadWrite,
            Pooling = false,
            DefaultTimeout = 1,
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

    public AuditChain Chain => _chain ?? throw new InvalidOperationException("This session knows nothing of the log.");

    public string LibraryVersion => _connection.ServerVersion;

    /// <summary>Set by work that deletes what must not stay in the write-ahead log either, once it is committed.</summary>
    public bool MustErase { get; set; }

    public List<T> Query<T>(string sql, object? parameters = null)
    {
        using var reader = Read(sql, parameters);
        var rows = RowsOf(reader);
        List<T> found = [];
        if (rows.Read())
        {
            var parse = _connection.ParserOf<T>(sql, rows);
            do
            {
                found.Add((T)parse(rows));
            }
            while (rows.Read());
        }

        return found;
    }

    /// <summary>Row by row, for more than should be in memory at once.</summary>
    public IEnumerable<T> Stream<T>(string sql, object? parameters = null) => _connection.Query<T>(sql, parameters, _transaction, buffered: false);

    /// <summary>Rows of two things, the second of which begins with the column <paramref name="second"/>.</summary>
    public IEnumerable<T> Stream<TFirst, TSecond, T>(string sql, Func<TFirst, TSecond, T> map, string second) =>
        _connection.Query(sql, map, transaction: _transaction, buffered: false, splitOn: second);

    /// <summary>The first row, or null.</summary>
    public T? Find<T>(string sql, object? parameters = null)
        where T : class
    {
        using var reader = Read(sql, parameters);
        var rows = RowsOf(reader);
        return rows.Read() ? (T)_connection.ParserOf<T>(sql, rows)(rows) : null;
    }

    /// <summary>The first column of the first row; the type's default when there is none.</summary>
    public T? Scalar<T>(string sql, object? parameters = null) => _connection.For(sql).ExecuteScalar<T>(sql, parameters, _transaction);

    /// <returns>How many rows were changed.</returns>
    public int Execute(string sql, object? parameters = null) => _connection.For(sql).Execute(sql, parameters, _transaction);

    /// <summary>For what runs thousands of times a second: compiled once, and kept as long as the session.</summary>
    /// <param name="sql">A constant.</param>
    public SqlitePrepared Prepare(string sql)
    {
        if (!_prepared.TryGetValue(sql, out var prepared))
        {
            prepared = new SqlitePrepared(_connection.CreateCommand(), sql);
            _prepared.Add(sql, prepared);
        }

        prepared.Begin(_transaction);
        return prepared;
    }

    /// <summary>Begins a transaction that may write, which waits for that right here and not at its first write.</summary>
    public void Begin() => _transaction = _connection.BeginTransaction(deferred: false);

    public void Commit()
    {
        _transaction!.Commit();
        _transaction = null;
    }

    /// <summary>Does nothing without a transaction.</summary>
    public void RollBack()
    {
        var transaction = _transaction;
        _transaction = null;

        // Knows it when SQLite has rolled back by itself, as it does when the disk is full.
        transaction?.Dispose();
    }

    /// <summary>Copies the write-ahead log into the file and empties it; false when somebody who reads was in the way.</summary>
    public bool TryTruncateLog()
    {
        WaitFor(TruncationPatience);
        try
        {
            return Scalar<long>("PRAGMA wal_checkpoint(TRUNCATE)") == 0;
        }
        finally
        {
            WaitFor(_busyTimeout);
        }
    }

    public void Dispose()
    {
        foreach (var prepared in _prepared.Values)
        {
            prepared.Dispose();
        }

        _prepared.Clear();
        _connection.Dispose();
    }

    /// <summary>Without Dapper's wrapper, which only ends the command's use: each value would be read through it.</summary>
    private static DbDataReader RowsOf(IDataReader reader) => (DbDataReader)((IWrappedDataReader)reader).Reader;

    private IDataReader Read(string sql, object? parameters) => _connection.For(sql).ExecuteReader(sql, parameters, _transaction);

    private void WaitFor(TimeSpan time) => Execute($"PRAGMA busy_timeout = {(int)time.TotalMilliseconds}");
}
