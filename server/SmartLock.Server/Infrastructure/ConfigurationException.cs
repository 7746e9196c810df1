namespace SmartLock.Server.Infrastructure;

/// <summary>The server cannot start as it is configured. The message is one sentence for the operator, printed without a stack trace.</summary>
internal sealed class ConfigurationException(string message) : Exception(message);
