namespace SmartLock.Mqtt.Broker;

/// <summary>Client ids are a login's own: see <see cref="MqttIdentity"/>.</summary>
internal readonly record struct SessionKey(string Identity, string ClientId);

/// <summary>
/// What the broker keeps for one client, connected or not. As a deadline it is the end of a session whose client does not come back.
/// </summary>
/// <remarks>
/// Lock order: registry, an identity's list, <see cref="Gate"/>, then the outbound buffer, the subscription tree or the deadlines.
/// </remarks>
internal sealed partial class Session(BrokerCore core, SessionKey key, MqttIdentity identity) : Deadline
{
    private BrokerConnection? _connection;

    public SessionKey Key { get; } = key;

    public string ClientId => Key.ClientId;

    /// <summary>As of the latest login.</summary>
    public MqttIdentity Identity { get; set; } = identity;

    public Lock Gate { get; } = new();

    /// <summary>Null while the client is away. Changed under <see cref="Gate"/>, read without.</summary>
    public BrokerConnection? Connection => Volatile.Read(ref _connection);

    /// <summary>Its subscriptions and messages are gone; nothing is added any more.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Milliseconds that it outlives its connection.</summary>
    public long ExpiryMilliseconds { get; set; }

    /// <summary>Place in the list of its identity's sessions; written by the registry.</summary>
    public int IdentityIndex { get; set; }

    /// <summary>A delayed will of the last connection; guarded by <see cref="Gate"/>.</summary>
    public Will? PendingWill { get; set; }

    /// <summary>
    /// Makes this the session's connection. The CONNACK is written first, so that no message overtakes it; what was under way
    /// is to be sent again.
    /// </summary>
    /// <returns>The connection that is taken over.</returns>
    public BrokerConnection? Attach(BrokerConnection connection, bool sessionPresent, ref Turn turn)
    {
        lock (Gate)
        {
            var old = _connection;
            _inflight?.Rewind();
            StoreArrival(connection, ref turn);
            connection.WriteConnAck(sessionPresent, ref turn);
            Volatile.Write(ref _connection, connection);
            return old;
        }
    }

    /// <returns>False when another connection has taken the session over, or it has ended.</returns>
    public bool TryDetach(BrokerConnection connection)
    {
        lock (Gate)
        {
            if (_connection != connection)
            {
                return false;
            }

            Volatile.Write(ref _connection, null);
            return !HasEnded;
        }
    }

    /// <summary>Lets go of all it holds. The registry has forgotten it already.</summary>
    /// <returns>A will that waited for the client to come back, and is due now.</returns>
    public Will? End(ref Turn turn)
    {
        lock (Gate)
        {
            HasEnded = true;
            Unstore(ref turn);
            Volatile.Write(ref _connection, null);
            core.Deadlines.Cancel(this);
            DropSubscriptions();
            DropMessages();
            return TakePendingWill();
        }
    }

    public Will? TakePendingWill()
    {
        lock (Gate)
        {
            var will = PendingWill;
            PendingWill = null;
            if (will is not null)
            {
                core.Deadlines.Cancel(will);
            }

            return will;
        }
    }

    /// <returns>False when it is no longer this one that waits.</returns>
    public bool TakePendingWill(Will will, ref Turn turn)
    {
        lock (Gate)
        {
            if (PendingWill != will)
            {
                return false;
            }

            PendingWill = null;
            StorePresence(ref turn);
            return true;
        }
    }

    public override void OnDue(long now) => core.Sessions.Expire(this);
}
