using System.Data.Common;
using Dapper;
using Microsoft.Data.Sqlite;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>A command that is compiled once. Its parameters are made at their first use and given other values for every row.</summary>
internal sealed class SqlitePrepared : IDisposable
{
    private readonly SqliteCommand _command;

    /// <summary>Made for the columns, which have declared types, and so hold for every row.</summary>
    private Func<DbDataReader, object>? _parser;

    /// <summary>Where the next parameter stands if they are given in the order of the first time, as a loop does: a search by name costs more than the rest.</summary>
    private int _next;

    public SqlitePrepared(SqliteCommand command, string sql)
    {
        _command = command;
        _command.CommandText = sql;
    }

    public void Begin(SqliteTransaction? transaction)
    {
        _command.Transaction = transaction;
        _next = 0;
    }

    /// <param name="name">With its prefix, as it stands in the statement.</param>
    public SqlitePrepared Set(string name, object? value)
    {
        Parameter(name).Value = value ?? DBNull.Value;
        return this;
    }

    /// <returns>How many rows were changed.</returns>
    public int Run() => _command.ExecuteNonQuery();

    /// <summary>The first row, or null.</summary>
    public T? Find<T>()
        where T : class
    {
        using var reader = _command.ExecuteReader();
        return reader.Read() ? (T)(_parser ??= reader.GetRowParser(typeof(T)))(reader) : null;
    }

    public SqliteDataReader Read() => _command.ExecuteReader();

    public void Dispose() => _command.Dispose();

    private SqliteParameter Parameter(string name)
    {
        var parameters = _command.Parameters;
        if (_next < parameters.Count && parameters[_next] is var expected && ReferenceEquals(expected.ParameterName, name))
        {
            _next++;
            return expected;
        }

        var index = parameters.IndexOf(name);
        return index >= 0 ? parameters[index] : parameters.Add(new SqliteParameter { ParameterName = name });
    }
}
