using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using SmartLock.Server.Storage.Sqlite;

namespace SmartLock.Server.Tests.Storage.Sqlite;

internal sealed class RecordingLogger : ILogger<SqliteDatabase>
{
    private readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyList<string> Lines => [.. _lines];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue(formatter(state, exception));
}
