using System.IO.Pipelines;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SmartLock.Mqtt.Broker.Persistence;

namespace SmartLock.Mqtt.Broker;

/// <summary>
/// An MQTT 3.1.1 and 5.0 broker inside the process. Connections come from Kestrel (<see cref="MqttConnectionHandler"/>), from WebSockets
/// (<c>MapMqttWebSocket</c>) or from any duplex pipe.
/// </summary>
public sealed partial class MqttBroker : IAsyncDisposable
{
    private readonly BrokerCore _core;
    private int _disposed;

    public MqttBroker(
        IOptions<MqttBrokerOptions> options,
        ILogger<MqttBroker> logger,
        TimeProvider? time = null,
        IMqttAuthenticator? authenticator = null,
        IMqttAuthorizer? authorizer = null,
        IMqttSessionStore? store = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        _core = new BrokerCore(
            options.Value,
            time ?? TimeProvider.System,
            authenticator ?? RefuseEverything.Instance,
            authorizer ?? RefuseEverything.Instance,
            logger,
            store);
    }

    internal BrokerCore Core => _core;

    /// <summary>Serves one client over a duplex pipe until either side ends it; both directions are completed then.</summary>
    /// <param name="transport">What the client sends is read from its input.</param>
    /// <param name="remoteEndPoint">For the authenticator and the log.</param>
    /// <param name="certificate">The client's TLS certificate, if it showed one.</param>
    /// <param name="abort">Called when the peer does not take what is left to send.</param>
    /// <param name="aborted">The transport is gone.</param>
    public Task ServeAsync(
        IDuplexPipe transport,
        EndPoint? remoteEndPoint = null,
        X509Certificate2? certificate = null,
        Action? abort = null,
        CancellationToken aborted = default)
    {
        return ServeAsync(transport, remoteEndPoint, certificate, abort, halfClose: null, aborted);
    }

    /// <param name="halfClose">
    /// Tells the peer that nothing more comes, while the broker still reads: what a socket has not read when it is closed has the system reset the
    /// connection, which takes the last packet with it. Null for a transport that sees to its own closing.
    /// </param>
    internal Task ServeAsync(
        IDuplexPipe transport, EndPoint? remoteEndPoint, X509Certificate2? certificate, Action? abort, Action? halfClose, CancellationToken aborted)
    {
        ArgumentNullException.ThrowIfNull(transport);
        return new BrokerConnection(_core, transport, remoteEndPoint, certificate, abort ?? transport.Output.CancelPendingFlush, halfClose).RunAsync(aborted);
    }

    /// <summary>
    /// Ends a login: its connections at once, its sessions with all they hold, and logins under way, which are asked again. Change what the
    /// authenticator answers first.
    /// </summary>
    /// <returns>How many connections were ended. They are deaf from the start; the wait is for their goodbye.</returns>
    public async Task<int> DisconnectAsync(
        string identityName,
        MqttReasonCode reason = MqttReasonCode.AdministrativeAction,
        CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(identityName);
        var sessions = _core.Sessions.Revoke(identityName);
        var connections = sessions.Select(s => s.Connection).OfType<BrokerConnection>().ToArray();
        var closed = _core.Connections.CloseAsync(connections, reason, ct);
        foreach (var session in sessions)
        {
            _core.Sessions.End(session);
        }

        await closed.ConfigureAwait(false);
        return connections.Length;
    }

    /// <summary>Whether any connection of the identity is open.</summary>
    public bool IsConnected(string identityName)
    {
        ArgumentNullException.ThrowIfNull(identityName);
        return _core.Sessions.Find(identityName)?.ToArray().Any(s => s.Connection is not null) == true;
    }

    public MqttBrokerStatistics GetStatistics() => new()
    {
        Connections = _core.Counters.Connections,
        Connecting = _core.Connections.Connecting,
        DelayedRefusals = _core.Connections.Refused,
        Sessions = _core.Sessions.Count,
        HeldBytes = _core.Held.Bytes,
        OutboundBytes = _core.OutboundTotal.Bytes,
        Subscriptions = _core.Subscriptions.Count,
        RetainedMessages = _core.Retained.Count,
        ConnectionsAccepted = _core.Counters.Accepted,
        ConnectionsRefused = _core.Counters.Refused,
        MessagesReceived = _core.Counters.Received,
        MessagesSent = _core.Counters.Sent,
        Dropped = _core.Counters.Dropped,
        ProtocolErrors = _core.Counters.ProtocolErrors,
        HandlerErrors = _core.Counters.HandlerErrors,
    };

    /// <summary>Takes no more connections, tells v5 clients that the server shuts down, and waits a bounded time for them to go.</summary>
    public async Task StopAsync(CancellationToken ct = default)
    {
        await _core.Connections.StopAsync(ct).ConfigureAwait(false);
        await SettleAsync(ct).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await StopAsync().ConfigureAwait(false);
        _core.Dispose();
    }
}
