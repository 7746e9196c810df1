using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Packets;
using SmartLock.Mqtt.Tests.Broker;
using SmartLock.Testing;

namespace SmartLock.Mqtt.Tests.Persistence;

/// <summary>Brokers, one after the other, over what the last one stored; one clock goes on through all of them.</summary>
internal sealed class Restarts(Action<MqttBrokerOptions>? configure = null) : IAsyncDisposable
{
    private readonly List<TestBroker> _all = [];

    public MemorySessionStore Store { get; private set; } = new();

    public FakeClock Clock { get; } = new();

    public TestAccess Access { get; } = new();

    public TestBroker Now => _all[^1];

    public Action<MqttBrokerOptions>? Configure { get; set; } = configure;

    public static ConnectPacket Lasting(
        string clientId,
        MqttProtocolVersion version = MqttProtocolVersion.V500,
        uint seconds = 600,
        ushort? receiveMaximum = null) => TestBroker.Connect(clientId, version) with
        {
            CleanStart = false,
            Properties = version == MqttProtocolVersion.V500
                ? new MqttProperties { SessionExpiryInterval = seconds, ReceiveMaximum = receiveMaximum }
                : null,
        };

    public async Task StartAsync()
    {
        _all.Add(new TestBroker(Configure, Store, Clock, Access));
        await Now.Broker.RestoreAsync();
    }

    /// <summary>In order: every client is told, everything is stored.</summary>
    public async Task StopAsync() => await Now.DisposeAsync();

    /// <summary>The next broker finds what was committed by now; this one works on beside it unseen until the test ends.</summary>
    public async Task KillAsync() => Store = await Store.CopyAsync();

    public async Task RestartAsync(TimeSpan downtime = default, bool kill = false)
    {
        await (kill ? KillAsync() : StopAsync());
        Clock.Advance(downtime);
        await StartAsync();
    }

    /// <summary>Comes back to what was left.</summary>
    public async Task<TestClient> ReturnAsync(ConnectPacket connect)
    {
        var client = Now.Open();
        var answer = await client.ConnectAsync(connect);
        (answer.ReasonCode, answer.SessionPresent).ShouldBe((MqttReasonCode.Success, true));
        return client;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var broker in _all)
        {
            await broker.DisposeAsync();
        }
    }
}
