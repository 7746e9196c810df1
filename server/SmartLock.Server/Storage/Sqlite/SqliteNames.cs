namespace SmartLock.Server.Storage.Sqlite;

internal static class SqliteNames
{
    /// <summary>What a user's name is unique under, and what its rows in other tables refer to.</summary>
    public static string KeyOf(string username) => username.ToUpperInvariant();
}
