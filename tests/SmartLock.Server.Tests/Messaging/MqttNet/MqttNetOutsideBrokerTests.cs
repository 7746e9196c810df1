using SmartLock.Server.Tests.MainJob;

namespace SmartLock.Server.Tests.Messaging.MqttNet;

public sealed class MqttNetOutsideBrokerTests : OutsideBrokerTests
{
    protected override string Client => "MqttNet";
}
