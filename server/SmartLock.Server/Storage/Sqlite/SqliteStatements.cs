using System.Data.Common;
using Dapper;
using Microsoft.Data.Sqlite;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>
/// A connection that keeps its statements compiled. Dapper makes a command for every call and disposes it, and compiling a join takes SQLite
/// several times as long as running it: here the command that it is given is the one that ran the same text before.
/// </summary>
internal sealed class SqliteStatements(string connectionString) : SqliteConnection(connectionString)
{
    /// <summary>Bounds what is kept: nearly all texts are constants, but a search of the log puts its own together.</summary>
    private const int Most = 256;

    private readonly Dictionary<string, Statement> _kept = new(StringComparer.Ordinal);
    private Statement? _next;

    /// <summary>The next command that is made will be given this text.</summary>
    public SqliteStatements For(string sql)
    {
        if (!_kept.TryGetValue(sql, out _next) && _kept.Count < Most)
        {
            _next = new Statement { Connection = this, CommandText = sql };
            _kept.Add(sql, _next);
        }

        return this;
    }

    /// <summary>
    /// Makes records of a statement's rows. Dapper would look up each column's name and type before every query: the parser that it made for the
    /// first one is kept with the statement.
    /// </summary>
    /// <param name="row">A row of it.</param>
    public Func<DbDataReader, object> ParserOf<T>(string sql, DbDataReader row)
    {
        if (!_kept.TryGetValue(sql, out var statement))
        {
            return row.GetRowParser(typeof(T));
        }

        if (statement.Parser is { } kept && kept.Type == typeof(T))
        {
            return kept.Parse;
        }

        var parser = row.GetRowParser(typeof(T));
        if (HasTypes(row))
        {
            statement.Parser = (typeof(T), parser);
        }

        return parser;
    }

    public override SqliteCommand CreateCommand()
    {
        var statement = _next;
        _next = null;

        // A row that is being read may ask for the same statement again.
        return statement is { IsInUse: false } ? statement.Use(DefaultTimeout) : base.CreateCommand();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (var statement in _kept.Values)
            {
                statement.End();
            }

            _kept.Clear();
        }

        base.Dispose(disposing);
    }

    /// <summary>An expression that is NULL passes for bytes: a parser made for such a row would not do for the next one.</summary>
    private static bool HasTypes(DbDataReader row) =>
        !Enumerable.Range(0, row.FieldCount).Any(i => row.IsDBNull(i) && row.GetFieldType(i) == typeof(byte[]));

    private sealed class Statement : SqliteCommand
    {
        private bool _isEnded;

        public (Type Type, Func<DbDataReader, object> Parse)? Parser { get; set; }

        public bool IsInUse { get; private set; }

        public Statement Use(int timeout)
        {
            IsInUse = true;
            CommandTimeout = timeout;
            Transaction = null;
            return this;
        }

        /// <summary>Disposes it indeed.</summary>
        public void End()
        {
            _isEnded = true;
            Dispose();
        }

        /// <summary>Only ends its use.</summary>
        protected override void Dispose(bool disposing)
        {
            if (disposing && !_isEnded)
            {
                Parameters.Clear();
                IsInUse = false;
                return;
            }

            base.Dispose(disposing);
        }
    }
}
