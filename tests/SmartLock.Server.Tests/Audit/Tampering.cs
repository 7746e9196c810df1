using Microsoft.Data.Sqlite;

namespace SmartLock.Server.Tests.Audit;

/// <summary>Somebody who can write to the database file, but has not the server's audit key.</summary>
internal static class Tampering
{
    private const string Triggers = "DROP TRIGGER IF EXISTS logs_no_update; DROP TRIGGER IF EXISTS logs_no_delete; DROP TRIGGER IF EXISTS logs_no_replace;";

    public static void Run(string databaseFile, string sql)
    {
        var settings = new SqliteConnectionStringBuilder { DataSource = databaseFile, Mode = SqliteOpenMode.ReadWrite, Pooling = false };
        using var connection = new SqliteConnection(settings.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = Triggers + sql;
        command.ExecuteNonQuery().ShouldBePositive(sql);
    }
}
