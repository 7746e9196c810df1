namespace SmartLock.Server.Infrastructure;

/// <summary>
/// The server cannot start because of how it is configured or where it runs. The message is one sentence for the operator,
/// names the setting at fault, and holds no secret.
/// </summary>
internal sealed class StartupException : Exception
{
    public StartupException()
    {
    }

    public StartupException(string message)
        : base(message)
    {
    }

    public StartupException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
