using System.IO.Pipelines;
using System.Net;
using Microsoft.Extensions.Options;
using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Broker.Persistence;
using SmartLock.Mqtt.Packets;
using SmartLock.Testing;

namespace SmartLock.Mqtt.Tests.Broker;

/// <summary>A broker on a fake clock, and clients that reach it through memory.</summary>
internal sealed class TestBroker : IAsyncDisposable
{
    private readonly List<TestClient> _clients = [];

    public TestBroker(
        Action<MqttBrokerOptions>? configure = null,
        IMqttSessionStore? store = null,
        FakeClock? clock = null,
        TestAccess? access = null)
    {
        // On a clock that stands still a delayed answer would never come.
        var options = new MqttBrokerOptions { RefusalDelay = TimeSpan.Zero };
        configure?.Invoke(options);
        Clock = clock ?? Clock;
        Access = access ?? Access;
        Broker = new MqttBroker(Options.Create(options), Log, Clock, Access, Access, store);
    }

    public FakeClock Clock { get; } = new();

    /// <summary>What the broker logged at Error: nothing that a peer does may be.</summary>
    public ErrorLog<MqttBroker> Log { get; } = new();

    public TestAccess Access { get; } = new();

    public MqttBroker Broker { get; }

    public MqttBrokerStatistics Statistics => Broker.GetStatistics();

    /// <summary>A client that has not sent its CONNECT yet.</summary>
    public TestClient Open(PipeScheduler? brokerReads = null, EndPoint? from = null, int? unread = null)
    {
        var (near, far) = DuplexPipe.Create(brokerReads, unread);
        var client = new TestClient(near, Broker.ServeAsync(far, from));
        lock (_clients)
        {
            _clients.Add(client);
        }

        return client;
    }

    public static ConnectPacket Connect(string clientId, MqttProtocolVersion version = MqttProtocolVersion.V500) => new()
    {
        ProtocolVersion = version,
        ClientId = clientId,
        CleanStart = true,
        UserName = "device",
    };

    /// <summary>A client whose CONNECT was accepted.</summary>
    public async Task<TestClient> ConnectAsync(ConnectPacket connect)
    {
        var client = Open();
        (await client.ConnectAsync(connect)).ReasonCode.ShouldBe(MqttReasonCode.Success);
        return client;
    }

    public Task<TestClient> ConnectAsync(string clientId, MqttProtocolVersion version = MqttProtocolVersion.V500)
    {
        return ConnectAsync(Connect(clientId, version));
    }

    /// <summary>Lets time pass in steps until something has come about: a wait that begins after a single leap would never end.</summary>
    public async Task AdvanceUntilAsync(Task end)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!end.IsCompleted)
        {
            patience.Token.ThrowIfCancellationRequested();
            Clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        await end;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
        {
            await client.DisposeAsync();
        }

        await Broker.DisposeAsync();
    }
}
