using SmartLock.Testing;

namespace SmartLock.VirtualDevice.Tests.Brokers;

/// <summary>A stock mosquitto of this machine, on a free port.</summary>
internal sealed class MosquittoBroker : BrokerUnderTest
{
    private readonly Mosquitto _broker;

    private MosquittoBroker(Mosquitto broker)
    {
        _broker = broker;
    }

    public override int Port => _broker.Port;

    public static async Task<BrokerUnderTest> StartAsync()
    {
        Assert.SkipWhen(Mosquitto.Executable is null, "mosquitto is not installed");
        return new MosquittoBroker(await Mosquitto.StartNewAsync());
    }

    public override Task KillAsync() => _broker.KillAsync();

    public override Task RestartAsync() => _broker.StartAsync();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _broker.DisposeAsync();
    }
}
