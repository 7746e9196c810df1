using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>
/// A prepared statement of a session. Parameters are numbered from 1, columns from 0, as SQLite does. Disposing it ends one
/// use; the statement itself lives as long as its session.
/// </summary>
internal sealed class SqliteStatement : IDisposable
{
    private const int StackBytes = 512;
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;
    private bool _inUse;

    public SqliteStatement(sqlite3 database, string sql)
    {
        _database = database;
        SqliteException.ThrowExceptionForRC(
            raw.sqlite3_prepare_v3(database, sql, raw.SQLITE_PREPARE_PERSISTENT, out _statement),
            database);
    }

    public void Take()
    {
        // Two uses at once would share one set of parameters.
        if (_inUse)
        {
            throw new InvalidOperationException("The statement is in use.");
        }

        _inUse = true;
    }

    public SqliteStatement Bind(int parameter, long value)
    {
        Check(raw.sqlite3_bind_int64(_statement, parameter, value));
        return this;
    }

    public SqliteStatement Bind(int parameter, long? value)
    {
        Check(value is { } number
            ? raw.sqlite3_bind_int64(_statement, parameter, number)
            : raw.sqlite3_bind_null(_statement, parameter));
        return this;
    }

    public SqliteStatement Bind(int parameter, bool value) => Bind(parameter, value ? 1L : 0L);

    public SqliteStatement Bind(int parameter, DateTimeOffset value) => Bind(parameter, value.ToUnixTimeMilliseconds());

    public SqliteStatement Bind(int parameter, string? value)
    {
        if (value is null)
        {
            Check(raw.sqlite3_bind_null(_statement, parameter));
            return this;
        }

        // The span overload would bind NULL for a span without a first byte.
        if (value.Length == 0)
        {
            Check(raw.sqlite3_bind_text(_statement, parameter, value));
            return this;
        }

        var most = Encoding.UTF8.GetMaxByteCount(value.Length);
        var utf8 = most <= StackBytes ? stackalloc byte[StackBytes] : new byte[most];
        Check(raw.sqlite3_bind_text(_statement, parameter, utf8[..Encoding.UTF8.GetBytes(value, utf8)]));
        return this;
    }

    public SqliteStatement Bind(int parameter, byte[] value)
    {
        Check(raw.sqlite3_bind_blob(_statement, parameter, value));
        return this;
    }

    public SqliteStatement Bind(int parameter, ReadOnlySpan<byte> value)
    {
        // A span without a first byte would be bound as NULL.
        Check(value.IsEmpty
            ? raw.sqlite3_bind_zeroblob(_statement, parameter, 0)
            : raw.sqlite3_bind_blob(_statement, parameter, value));
        return this;
    }

    /// <summary>True when there is a row to read.</summary>
    public bool Step()
    {
        var code = raw.sqlite3_step(_statement);
        Check(code);
        return code == raw.SQLITE_ROW;
    }

    /// <summary>Runs to the end and makes the statement ready for the next values, which is all that a loop of writes needs.</summary>
    /// <returns>How many rows were changed.</returns>
    public int Run()
    {
        Check(raw.sqlite3_step(_statement));
        var changed = raw.sqlite3_changes(_database);
        Check(raw.sqlite3_reset(_statement));
        return changed;
    }

    /// <summary>Makes a read ready for the next values, within the same use.</summary>
    public void Reset() => Check(raw.sqlite3_reset(_statement));

    public bool IsNull(int column) => raw.sqlite3_column_type(_statement, column) == raw.SQLITE_NULL;

    public long Int64(int column) => raw.sqlite3_column_int64(_statement, column);

    public int? Int32OrNull(int column) => IsNull(column) ? null : raw.sqlite3_column_int(_statement, column);

    public bool Bool(int column) => Int64(column) != 0;

    public string Text(int column) => raw.sqlite3_column_text(_statement, column).utf8_to_string();

    /// <summary>SQLite has no text for NULL, and the library makes null of that: asking for the type first is a call more for every row.</summary>
    public string? TextOrNull(int column) => raw.sqlite3_column_text(_statement, column).utf8_to_string();

    public byte[] Blob(int column) => raw.sqlite3_column_blob(_statement, column).ToArray();

    public DateTimeOffset Time(int column) => DateTimeOffset.FromUnixTimeMilliseconds(Int64(column));

    public DateTimeOffset? TimeOrNull(int column) => IsNull(column) ? null : Time(column);

    public T Enum<T>(int column)
        where T : struct, Enum => System.Enum.Parse<T>(Text(column));

    /// <summary>Ends this use. The code that reset gives repeats the failure of the last step, which was thrown there.</summary>
    public void Dispose()
    {
        _ = raw.sqlite3_reset(_statement);
        _inUse = false;
    }

    public void Close() => _statement.Dispose();

    private void Check(int code)
    {
        if (code is not (raw.SQLITE_OK or raw.SQLITE_ROW or raw.SQLITE_DONE))
        {
            SqliteException.ThrowExceptionForRC(code, _database);
        }
    }
}
