using SmartLock.Mqtt.Broker.Persistence;
using SmartLock.Mqtt.Tests.Persistence;

namespace SmartLock.Server.Tests.Storage;

/// <summary>The double that the broker's own tests run on keeps the same contract.</summary>
public sealed class MemorySessionStoreTests : MqttSessionStoreContract
{
    protected override IMqttSessionStore Store { get; } = new MemorySessionStore();
}
