using Microsoft.Extensions.Logging;

namespace SmartLock.Mqtt.Broker;

/// <summary>The parts of one broker, as they know each other.</summary>
internal sealed class BrokerCore : IDisposable
{
    public BrokerCore(
        MqttBrokerOptions options,
        TimeProvider time,
        IMqttAuthenticator authenticator,
        IMqttAuthorizer authorizer,
        ILogger logger)
    {
        Options = options;
        Authenticator = authenticator;
        Authorizer = authorizer;
        Logger = logger;
        Clock = new BrokerClock(time);
        Deadlines = new DeadlineQueue(Clock, e => BrokerLog.DeadlineFailed(logger, e));
        Retained = new RetainedMessages(options, Clock, Counters);
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

    public SubscriptionTree Subscriptions { get; } = new();

    public RetainedMessages Retained { get; }

    public MessageRouter Router { get; }

    public SessionRegistry Sessions { get; }

    public ConnectionRegistry Connections { get; }

    public void Dispose()
    {
        Deadlines.Dispose();
        Counters.Dispose();
    }
}
