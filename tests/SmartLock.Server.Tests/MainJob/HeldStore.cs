using Microsoft.Data.Sqlite;

namespace SmartLock.Server.Tests.MainJob;

/// <summary>Another program that holds the app's database file for writing, until it is disposed.</summary>
internal sealed class HeldStore : IDisposable
{
    private readonly SqliteConnection _connection;

    public HeldStore(TestApp app)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = FileOf(app),
            Mode = SqliteOpenMode.ReadWrite,
            Pooling = false,
        }.ToString());
        _connection.Open();

        // Waits, as ADO.NET's command does, for a write of the server's that is under way.
        Execute("BEGIN EXCLUSIVE");
    }

    public static string FileOf(TestApp app) => Path.Combine(app.DataFolder, "smartlock.db");

    /// <summary>As this connection sees it: what is committed.</summary>
    public long Count(string table)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = $"SELECT count(*) FROM {table}";
        return (long)command.ExecuteScalar()!;
    }

    public void Dispose()
    {
        Execute("ROLLBACK");
        _connection.Dispose();
    }

    private void Execute(string sql)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
