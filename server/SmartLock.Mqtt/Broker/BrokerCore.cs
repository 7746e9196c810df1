using Microsoft.Extensions.Logging;
using SmartLock.Mqtt.Broker.Persistence;

namespace SmartLock.Mqtt.Broker;

/// <summary>The parts of one broker, as they know each other.</summary>
internal sealed class BrokerCore : IDisposable
{
    public BrokerCore(
        MqttBrokerOptions options,
        TimeProvider time,
        IMqttAuthenticator authenticator,
        IMqttAuthorizer authorizer,
        ILogger logger,
        IMqttSessionStore? store = null)
    {
        Options = options;
        OutboundTotal = new OutboundTotal(options.MaxTotalOutboundBytes);
        Authenticator = authenticator;
        Authorizer = authorizer;
        Logger = logger;
        Clock = new BrokerClock(time);
        Deadlines = new DeadlineQueue(Clock, e => BrokerLog.DeadlineFailed(logger, e));
        Journal = store is null ? null : new SessionJournal(store, Clock, logger);
        Retained = new RetainedMessages(options, Clock, Counters, Journal);
        IsReady = store is null;
        Router = new MessageRouter(this);
        Sessions = new SessionRegistry(this);
        Connections = new ConnectionRegistry(this);
    }

    public MqttBrokerOptions Options { get; }

    public IMqttAuthenticator Authenticator { get; }

    public IMqttAuthorizer Authorizer { get; }

    public ILogger Logger { get; }

    public BrokerClock Clock { get; }

    public DeadlineQueue Deadlines { get; }

    public BrokerCounters Counters { get; } = new();

    public HeldBytes Held { get; } = new();

    public OutboundTotal OutboundTotal { get; }

    /// <summary>Null when nothing is stored.</summary>
    public SessionJournal? Journal { get; }

    /// <summary>Whether all that was stored is loaded: before that, clients would find less than they left.</summary>
    public bool IsReady { get; set; }

    public SubscriptionTree Subscriptions { get; } = new();

    public RetainedMessages Retained { get; }

    public MessageRouter Router { get; }

    public SessionRegistry Sessions { get; }

    public ConnectionRegistry Connections { get; }

    public void Dispose()
    {
        Deadlines.Dispose();
        Journal?.Dispose();
        Counters.Dispose();
    }
}
