using Dapper;
using Microsoft.Data.Sqlite;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>A command that is compiled once. Its parameters are made at their first use and given other values for every row.</summary>
internal sealed class SqlitePrepared : IDisposable
{
    private readonly SqliteCommand _command;

    public SqlitePrepared(SqliteCommand command, string sql)
    {
        _command = command;
        _command.CommandText = sql;
    }

    public void Begin(SqliteTransaction? transaction) => _command.Transaction = transaction;

    /// <param name="name">With its prefix, as it stands in the statement.</param>
    public SqlitePrepared Set(string name, object? value)
    {
        var parameters = _command.Parameters;
        var index = parameters.IndexOf(name);
        var parameter = index >= 0 ? parameters[index] : parameters.Add(new SqliteParameter { ParameterName = name });
        parameter.Value = value ?? DBNull.Value;
        return this;
    }

    /// <returns>How many rows were changed.</returns>
    public int Run() => _command.ExecuteNonQuery();

    /// <summary>The first row, or null.</summary>
    public T? Find<T>()
        where T : class
    {
        using var reader = _command.ExecuteReader();
        return reader.Read() ? reader.GetRowParser<T>()(reader) : null;
    }

    public SqliteDataReader Read() => _command.ExecuteReader();

    public void Dispose() => _command.Dispose();
}
