namespace SmartLock.Server.Infrastructure;

/// <summary>
/// The store cannot take or give data just now (disk full, file locked, server gone). Nothing was written; the same call
/// may succeed later. Becomes a 503 with Retry-After at the HTTP edge.
/// </summary>
internal sealed class StoreUnavailableException : Exception
{
    public StoreUnavailableException()
    {
    }

    public StoreUnavailableException(string message)
        : base(message)
    {
    }

    public StoreUnavailableException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
