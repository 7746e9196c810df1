using System.IO.Pipelines;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace SmartLock.Mqtt.Broker;

/// <summary>
/// An MQTT 3.1.1 and 5.0 broker inside the process. Connections come from Kestrel (<see cref="MqttConnectionHandler"/>), from WebSockets
/// (<c>MapMqttWebSocket</c>) or from any duplex pipe.
/// </summary>
public sealed class MqttBroker : IAsyncDisposable
{
    private const int DeepestPublish = 8;

    [ThreadStatic]
    private static int _publishDepth;

    private readonly BrokerCore _core;
    private int _disposed;

    public MqttBroker(
        IOptions<MqttBrokerOptions> options,
        ILogger<MqttBroker> logger,
        TimeProvider? time = null,
        IMqttAuthenticator? authenticator = null,
        IMqttAuthorizer? authorizer = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        _core = new BrokerCore(
            options.Value,
            time ?? TimeProvider.System,
            authenticator ?? RefuseEverything.Instance,
            authorizer ?? RefuseEverything.Instance,
            logger);
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
        ArgumentNullException.ThrowIfNull(transport);
        return new BrokerConnection(_core, transport, remoteEndPoint, certificate, abort ?? transport.Output.CancelPendingFlush).RunAsync(aborted);
    }

    /// <summary>
    /// Hands every message that the filter matches to the handler, on the thread that publishes it. Directed messages
    /// (<see cref="PublishTo(string, ReadOnlySpan{byte}, ReadOnlySpan{byte}, MqttQoS, MqttProperties?)"/>) are not seen here.
    /// </summary>
    /// <returns>Dispose of it to unsubscribe; a message under way may still arrive.</returns>
    /// <exception cref="ArgumentException">The filter is not valid.</exception>
    public IDisposable Subscribe(string filter, MqttInboundHandler handler)
    {
        ArgumentNullException.ThrowIfNull(filter);
        ArgumentNullException.ThrowIfNull(handler);
        if (!MqttTopicFilter.IsValid(filter) || MqttTopicFilter.IsShared(filter))
        {
            throw new ArgumentException("Not a valid topic filter; shared ones are for sessions.", nameof(filter));
        }

        var subscription = new Subscription(handler);
        _core.Subscriptions.Add(subscription, MqttUtf8.GetBytes(filter));
        return new InProcessSubscription(_core.Subscriptions, subscription);
    }

    /// <summary>Publishes to everyone subscribed. Never waits for a socket.</summary>
    /// <returns>How many sessions and in-process subscribers were given the message, or have it queued.</returns>
    /// <exception cref="ArgumentException">The topic is not a valid name.</exception>
    public int Publish(
        ReadOnlySpan<byte> topic,
        ReadOnlySpan<byte> payload,
        MqttQoS qos = MqttQoS.AtMostOnce,
        bool retain = false,
        MqttProperties? properties = null)
    {
        // A handler that publishes what it subscribes to would otherwise end the process by its stack.
        if (_publishDepth >= DeepestPublish)
        {
            throw new InvalidOperationException("A handler publishes to itself.");
        }

        _publishDepth++;
        try
        {
            return _core.Router.RouteAlone(Make(topic, payload, qos, retain, properties));
        }
        finally
        {
            _publishDepth--;
        }
    }

    public int Publish(string topic, ReadOnlySpan<byte> payload, MqttQoS qos = MqttQoS.AtMostOnce, bool retain = false, MqttProperties? properties = null)
    {
        return Publish(MqttUtf8.GetBytes(topic), payload, qos, retain, properties);
    }

    /// <summary>
    /// Publishes to one identity only: to those of its sessions, and of identities that see directed messages, that are subscribed to the topic.
    /// Costs the same however many others are subscribed to it. Never retained.
    /// </summary>
    /// <returns>How many sessions were given the message, or have it queued.</returns>
    /// <exception cref="ArgumentException">The topic is not a valid name.</exception>
    public int PublishTo(
        string identityName,
        ReadOnlySpan<byte> topic,
        ReadOnlySpan<byte> payload,
        MqttQoS qos = MqttQoS.AtLeastOnce,
        MqttProperties? properties = null)
    {
        return _core.Router.RouteTo(identityName, Make(topic, payload, qos, retain: false, properties));
    }

    public int PublishTo(
        string identityName,
        string topic,
        ReadOnlySpan<byte> payload,
        MqttQoS qos = MqttQoS.AtLeastOnce,
        MqttProperties? properties = null)
    {
        return PublishTo(identityName, MqttUtf8.GetBytes(topic), payload, qos, properties);
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
            session.End()?.Publish();
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
        Sessions = _core.Sessions.Count,
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
    public Task StopAsync(CancellationToken ct = default) => _core.Connections.StopAsync(ct);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await StopAsync().ConfigureAwait(false);
        _core.Dispose();
    }

    private Publication Make(ReadOnlySpan<byte> topic, ReadOnlySpan<byte> payload, MqttQoS qos, bool retain, MqttProperties? properties)
    {
        if (!MqttTopic.IsValidName(topic))
        {
            throw new ArgumentException("Not a valid topic name.", nameof(topic));
        }

        return new Publication
        {
            Topic = topic,
            Payload = payload,
            Properties = properties is null ? default : Packets.OutgoingPublish.EncodeProperties(properties with { MessageExpiryInterval = null }),
            QoS = qos,
            Retain = retain,
            ExpiresAt = _core.Clock.ExpiryAfter(properties?.MessageExpiryInterval),
        };
    }

    private sealed class InProcessSubscription(SubscriptionTree tree, Subscription subscription) : IDisposable
    {
        public void Dispose() => tree.Remove(subscription);
    }
}
