using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using SmartLock.Server.Messaging;
using SmartLock.Server.Messaging.MqttNet;
using SmartLock.Server.Tests.Messaging.Brokers;

namespace SmartLock.Server.Tests.Messaging.MqttNet;

public sealed class MqttNetBrokerClientTests : BrokerClientContract
{
    private protected override IBrokerClient Create(MqttOptions options, TimeProvider time) =>
        new MqttNetBrokerClient(Options.Create(options), time, NullLogger<MqttNetBrokerClient>.Instance);
}
