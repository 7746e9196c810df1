using Microsoft.Data.Sqlite;
using SmartLock.Server.Infrastructure;
using SQLitePCL;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>Tells the failures of the machine from those of the program. Codes: https://www.sqlite.org/rescode.html.</summary>
internal static class SqliteErrors
{
    public static bool IsUnavailable(SqliteException failure) => failure.SqliteErrorCode is
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED or raw.SQLITE_FULL or raw.SQLITE_IOERR or raw.SQLITE_CANTOPEN or raw.SQLITE_READONLY or
        raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB or raw.SQLITE_NOMEM or raw.SQLITE_PERM or raw.SQLITE_AUTH or raw.SQLITE_PROTOCOL or
        raw.SQLITE_INTERRUPT or raw.SQLITE_NOLFS;

    /// <summary>Whether the connection may be used again once its transaction has been rolled back.</summary>
    public static bool LeavesConnectionWhole(SqliteException failure) => failure.SqliteErrorCode is
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED or raw.SQLITE_FULL or raw.SQLITE_CONSTRAINT;

    public static StoreUnavailableException ToUnavailable(SqliteException failure) => new(Describe(failure), failure);

    private static string Describe(SqliteException failure) => failure.SqliteErrorCode switch
    {
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED => "The store's file is held by another process.",
        raw.SQLITE_FULL => "The disk that holds the store is full.",
        raw.SQLITE_READONLY or raw.SQLITE_PERM => "The store's file cannot be written.",
        raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB => "The store's file is damaged.",
        _ => $"The store's file cannot be used just now (SQLite {failure.SqliteExtendedErrorCode}).",
    };
}
