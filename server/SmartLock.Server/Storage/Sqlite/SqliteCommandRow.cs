using SmartLock.Server.Commands;

namespace SmartLock.Server.Storage.Sqlite;

internal static class SqliteCommandRow
{
    public const string Columns = "id, device_id, action, requested_by, issued_at, expires_at, state, result, decided_at";

    /// <summary>Reads <see cref="Columns"/>.</summary>
    public static Command Read(SqliteStatement row) => new(
        row.Text(0),
        row.Text(1),
        row.Enum<CommandAction>(2),
        row.Text(3),
        row.Time(4),
        row.Time(5),
        row.Enum<CommandState>(6),
        row.TextOrNull(7),
        row.TimeOrNull(8));

    public static List<Command> ReadAll(SqliteStatement rows)
    {
        var commands = new List<Command>();
        while (rows.Step())
        {
            commands.Add(Read(rows));
        }

        return commands;
    }
}
