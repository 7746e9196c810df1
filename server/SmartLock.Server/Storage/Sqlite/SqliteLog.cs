namespace SmartLock.Server.Storage.Sqlite;

internal static partial class SqliteLog
{
    [LoggerMessage(EventId = 2001, Level = LogLevel.Information, Message = "Store: {File}, SQLite {Version}.")]
    public static partial void Opened(ILogger logger, string file, string version);

    /// <summary>Once per outage; <see cref="WritesWorkAgain"/> ends it.</summary>
    [LoggerMessage(EventId = 2002, Level = LogLevel.Error, Message = "The store takes no writes: {Reason} (SQLite {Code})")]
    public static partial void WritesFail(ILogger logger, string reason, int code);

    [LoggerMessage(EventId = 2003, Level = LogLevel.Information, Message = "The store takes writes again.")]
    public static partial void WritesWorkAgain(ILogger logger);
}
