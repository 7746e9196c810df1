using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Tests.Messaging.Brokers;

public sealed class OwnBrokerClientTests : BrokerClientContract
{
    private protected override IBrokerClient Create(MqttOptions options, TimeProvider time) =>
        new OwnBrokerClient(Options.Create(options), time, NullLogger<OwnBrokerClient>.Instance);
}
