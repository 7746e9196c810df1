using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace SmartLock.Mqtt.Tests.Broker;

/// <summary>Keeps what is logged at Error and above.</summary>
internal sealed class ErrorLog<T> : ILogger<T>
{
    public ConcurrentQueue<string> Lines { get; } = new();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
        => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (logLevel >= LogLevel.Error)
        {
            Lines.Enqueue($"{formatter(state, exception)} {exception}");
        }
        else
        {
            // Lines below are written too, so that one that cannot be is found.
            formatter(state, exception).ShouldNotBeNull();
        }
    }
}
