using System.Diagnostics.Metrics;

namespace SmartLock.Mqtt.Broker;

/// <summary>Why a message was not delivered to a subscriber, or not accepted.</summary>
public enum MqttDropReason
{
    /// <summary>QoS 0 for a connection whose outbound buffer is full, or that does not keep up while all together are.</summary>
    SlowReader,

    /// <summary>QoS 1 or 2 for a session whose queue is full.</summary>
    QueueFull,

    /// <summary>Its message expiry interval passed.</summary>
    Expired,

    /// <summary>Larger than the receiver's Maximum Packet Size.</summary>
    TooLarge,

    /// <summary>The authorizer refused it.</summary>
    NotAuthorized,

    /// <summary>Delivered, but not kept: the retained store is full, or the topic has too many levels.</summary>
    NotRetained,

    /// <summary>From the process itself for a session that is stored, while the store takes nothing and too much waits for it.</summary>
    NotStored,
}

/// <summary>A snapshot of the broker's counters; totals since it was made.</summary>
public sealed record MqttBrokerStatistics
{
    public required int Connections { get; init; }

    /// <summary>Of these, who are not logged in yet.</summary>
    public required int Connecting { get; init; }

    /// <summary>Of these, who are refused and not told yet.</summary>
    public required int DelayedRefusals { get; init; }

    public required int Sessions { get; init; }

    /// <summary>What the QoS 1 and 2 messages take that sessions hold, each counted once.</summary>
    public required long HeldBytes { get; init; }

    /// <summary>What the buffers take that wait for sockets, beyond the 4 KB that each connection has for itself.</summary>
    public required long OutboundBytes { get; init; }

    public required int Subscriptions { get; init; }

    public required int RetainedMessages { get; init; }

    public required long ConnectionsAccepted { get; init; }

    public required long ConnectionsRefused { get; init; }

    public required long MessagesReceived { get; init; }

    /// <summary>Messages written to a connection's buffer or given to an in-process handler.</summary>
    public required long MessagesSent { get; init; }

    public required IReadOnlyDictionary<MqttDropReason, long> Dropped { get; init; }

    public required long ProtocolErrors { get; init; }

    public required long HandlerErrors { get; init; }
}

/// <summary>What one read-loop turn counted, added to the shared counters once at its end.</summary>
internal struct TurnCounters
{
    public int Received;
    public int Sent;
}

internal sealed class BrokerCounters : IDisposable
{
    private static readonly MqttDropReason[] Reasons = Enum.GetValues<MqttDropReason>();

    private readonly Meter _meter = new("SmartLock.Mqtt");
    private readonly long[] _dropped = new long[Reasons.Length];
    private int _connections;
    private long _accepted;
    private long _refused;
    private long _received;
    private long _sent;
    private long _protocolErrors;
    private long _handlerErrors;

    public BrokerCounters()
    {
        _meter.CreateObservableUpDownCounter("mqtt.broker.connections", () => Connections, "{connection}", "Open connections.");
        _meter.CreateObservableCounter("mqtt.broker.connections.accepted", () => Accepted, "{connection}", "Connections that were accepted.");
        _meter.CreateObservableCounter("mqtt.broker.connections.refused", () => Refused, "{connection}", "Connections that were refused.");
        _meter.CreateObservableCounter("mqtt.broker.messages.received", () => Received, "{message}", "PUBLISH packets read.");
        _meter.CreateObservableCounter("mqtt.broker.messages.sent", () => Sent, "{message}", "Deliveries to subscribers.");
        _meter.CreateObservableCounter("mqtt.broker.messages.dropped", ObserveDropped, "{message}", "Messages dropped, by reason.");
        _meter.CreateObservableCounter("mqtt.broker.protocol_errors", () => ProtocolErrors, "{error}", "Connections closed for breaking the protocol.");
        _meter.CreateObservableCounter("mqtt.broker.handler_errors", () => HandlerErrors, "{error}", "Exceptions thrown by in-process subscribers.");
    }

    public int Connections => Volatile.Read(ref _connections);

    public long Accepted => Volatile.Read(ref _accepted);

    public long Refused => Volatile.Read(ref _refused);

    public long Received => Volatile.Read(ref _received);

    public long Sent => Volatile.Read(ref _sent);

    public long ProtocolErrors => Volatile.Read(ref _protocolErrors);

    public long HandlerErrors => Volatile.Read(ref _handlerErrors);

    public IReadOnlyDictionary<MqttDropReason, long> Dropped => Reasons.ToDictionary(r => r, r => Volatile.Read(ref _dropped[(int)r]));

    /// <returns>How many connections are open, this one included.</returns>
    public int ConnectionOpened() => Interlocked.Increment(ref _connections);

    public void ConnectionClosed() => Interlocked.Decrement(ref _connections);

    public void ConnectionAccepted() => Interlocked.Increment(ref _accepted);

    public void ConnectionRefused() => Interlocked.Increment(ref _refused);

    public void ProtocolError() => Interlocked.Increment(ref _protocolErrors);

    public long HandlerError() => Interlocked.Increment(ref _handlerErrors);

    public void Drop(MqttDropReason reason) => Interlocked.Increment(ref _dropped[(int)reason]);

    public void Add(ref TurnCounters turn)
    {
        if (turn.Received > 0)
        {
            Interlocked.Add(ref _received, turn.Received);
        }

        if (turn.Sent > 0)
        {
            Interlocked.Add(ref _sent, turn.Sent);
        }

        turn = default;
    }

    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<long>> ObserveDropped()
    {
        return Reasons.Select(r => new Measurement<long>(
            Volatile.Read(ref _dropped[(int)r]),
            new KeyValuePair<string, object?>("reason", r.ToString())));
    }
}
