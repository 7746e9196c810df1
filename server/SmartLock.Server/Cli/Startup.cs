using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Cli;

/// <summary>Tells what the operator can mend from bugs: the former is one sentence, the latter a stack trace.</summary>
internal static class Startup
{
    public static async Task<int> ExplainAsync(Func<Task<int>> command)
    {
        try
        {
            return await command();
        }
        catch (Exception e) when (Explain(e) is not null)
        {
            await Console.Error.WriteLineAsync($"SmartLock cannot start: {Explain(e)}");
            return ExitCodeOf(e);
        }
    }

    /// <summary>Null for what is not the operator's to mend.</summary>
    public static string? Explain(Exception exception) => exception switch
    {
        StartupException => exception.Message,
        OptionsValidationException e => string.Join(' ', e.Failures),
        IOException { InnerException: AddressInUseException } e =>
            $"{e.Message} End the other program, or choose another address with --Urls=http://127.0.0.1:9000 (HTTP) or --Mqtt:Port=1884 (MQTT).",
        SocketException e => $"The server may not listen at that address: {e.Message}. See the settings Urls and Mqtt:Port.",
        InvalidOperationException e when IsConversion(e) => e.Message,
        InvalidDataException { InnerException: { } inner } e => $"{e.Message} {inner.Message}",
        StoreUnavailableException => exception.Message,
        IOException or UnauthorizedAccessException or CryptographicException => exception.Message,
        _ => null,
    };

    /// <summary>A service manager may try again what failed, and must not what is configured wrongly.</summary>
    private static int ExitCodeOf(Exception exception) => exception switch
    {
        StartupException or OptionsValidationException or InvalidDataException or SocketException => ExitCodes.Configuration,
        InvalidOperationException e when IsConversion(e) => ExitCodes.Configuration,
        _ => ExitCodes.Failed,
    };

    private static bool IsConversion(InvalidOperationException exception) =>
        exception.Message.StartsWith("Failed to convert configuration value", StringComparison.Ordinal);
}
