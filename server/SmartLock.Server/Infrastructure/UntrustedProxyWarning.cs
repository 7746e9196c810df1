using System.Net;
using Microsoft.Extensions.Options;

namespace SmartLock.Server.Infrastructure;

/// <summary>
/// A proxy that is not trusted makes all its clients one, who share what each may; it is mostly one that the operator forgot to list. Said once: whoever
/// reaches the server can send the header.
/// </summary>
internal sealed partial class UntrustedProxyWarning(IOptions<ForwardedHeadersOptions> options, ILogger<UntrustedProxyWarning> log)
{
    private int _said;

    /// <summary>Before the headers are taken, and the address is another.</summary>
    public void Look(HttpContext context)
    {
        if (Volatile.Read(ref _said) == 0
            && context.Request.Headers.ContainsKey(options.Value.ForwardedForHeaderName)
            && context.Connection.RemoteIpAddress is { } address
            && !IsTrusted(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address)
            && Interlocked.Exchange(ref _said, 1) == 0)
        {
            LogUntrusted(address);
        }
    }

    private bool IsTrusted(IPAddress address) =>
        options.Value.KnownProxies.Contains(address) || options.Value.KnownIPNetworks.Any(network => network.Contains(address));

    [LoggerMessage(1, LogLevel.Warning,
        "X-Forwarded-For from {Address} is not believed, so that all clients behind it count as one. If it is your proxy, list it in Http:TrustedProxies. Said once.")]
    private partial void LogUntrusted(IPAddress address);
}
