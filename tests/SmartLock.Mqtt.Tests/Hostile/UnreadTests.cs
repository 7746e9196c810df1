using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Packets;
using SmartLock.Mqtt.Tests.Broker;

namespace SmartLock.Mqtt.Tests.Hostile;

/// <summary>Clients that do not read, so many that what waits for each is too much for all.</summary>
public sealed class UnreadTests
{
    private const int Readers = 40;
    private const int Most = 200_000;

    // A growth of a buffer may pass the bound, and each connection has its share.
    private const int Beyond = 64 * 1024 + (Readers * OutboundTotal.Share);

    private static readonly byte[] Payload = new byte[1000];
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task What_waits_for_all_sockets_is_bounded_and_who_reads_misses_nothing()
    {
        await using var broker = Limited();
        var bystander = await Bystander.JoinAsync(broker);
        var reader = await broker.ConnectAsync("reader");
        await reader.SubscribeAsync("flood/#");
        await FillAsync(broker, () => reader.ReadPublishAsync());
        broker.Statistics.OutboundBytes.ShouldBeInRange(Most, Most + Beyond);

        // Messages larger than a share too, and one after the other.
        await reader.SubscribeAsync("large", MqttQoS.AtLeastOnce);
        for (var i = 0; i < 5; i++)
        {
            broker.Broker.Publish("large", new byte[10_000], MqttQoS.AtLeastOnce).ShouldBe(1);
        }

        for (var i = 0; i < 5; i++)
        {
            (await reader.TakeAsync()).Payload.Length.ShouldBe(10_000);
        }

        await bystander.ShouldBeServedAsync();
        broker.Statistics.OutboundBytes.ShouldBeInRange(Most, Most + Beyond);
    }

    [Fact]
    public async Task However_they_go_nothing_of_theirs_stays_counted()
    {
        await using var broker = Limited();
        var still = await FillAsync(broker);
        broker.Statistics.OutboundBytes.ShouldBeGreaterThanOrEqualTo(Most);

        // The first read what waits for them, the next vanish, the rest are sent away and do not take their goodbye.
        foreach (var awake in still.Take(10))
        {
            await awake.SendAsync(PingPackets.WriteRequest);
            while ((await awake.ReadAsync()).Type != MqttPacketType.PingResp)
            {
                broker.Statistics.OutboundBytes.ShouldBeLessThanOrEqualTo(Most + Beyond);
            }
        }

        foreach (var gone in still.Skip(10).Take(10))
        {
            await gone.DisposeAsync();
        }

        var sentAway = broker.Broker.DisconnectAsync("device");
        await broker.AdvanceUntilAsync(sentAway);
        (await sentAway).ShouldBe(Readers - 10);
        await Signals.Until(() => broker.Statistics.Connections == 0);
        broker.Statistics.OutboundBytes.ShouldBe(0);
    }

    [Fact]
    public async Task Who_leaves_answers_unread_meanwhile_is_not_read_from_and_loses_nothing()
    {
        const int Pings = 100_000;
        // Without the bound for all it would be let go, as twice this of answers is more than a connection may leave unread.
        await using var broker = Limited(o => o.MaxOutboundBytes = 16 * 1024);
        await FillAsync(broker);
        var client = await broker.ConnectAsync(TestBroker.Connect("pings", MqttProtocolVersion.V311) with { UserName = "pings" });
        var pings = new byte[2 * Pings];
        for (var i = 0; i < pings.Length; i += 2)
        {
            pings[i] = 0xC0;
        }

        // More than the pipes of both directions and a buffer take: it is not through before the client reads.
        var connection = broker.Broker.Core.Sessions.Find("pings")!.ToArray().Single().Connection!;
        var sent = client.SendAsync(pings);
        await Signals.Until(() => connection.Outbound.OwesReading);
        sent.IsCompleted.ShouldBeFalse();
        for (var i = 0; i < Pings; i++)
        {
            (await client.ReadAsync()).Type.ShouldBe(MqttPacketType.PingResp);
        }

        await sent.WaitAsync(Patience);
        broker.Statistics.ProtocolErrors.ShouldBe(0);
    }

    [Fact]
    public async Task Who_is_not_read_from_can_be_sent_away()
    {
        await using var broker = Limited(o => o.MaxOutboundBytes = 16 * 1024);
        await FillAsync(broker);
        var client = await broker.ConnectAsync(TestBroker.Connect("pings") with { UserName = "pings", KeepAlive = 10 });
        var connection = broker.Broker.Core.Sessions.Find("pings")!.ToArray().Single().Connection!;
        var sent = client.SendAsync(output =>
        {
            for (var i = 0; i < 100_000; i++)
            {
                PingPackets.WriteRequest(output);
            }
        });
        await Signals.Until(() => connection.Outbound.OwesReading);
        var away = broker.Broker.DisconnectAsync("pings");
        await broker.AdvanceUntilAsync(client.Served);
        (await away.WaitAsync(Patience)).ShouldBe(1);
        await sent.WaitAsync(Patience);
    }

    private static TestBroker Limited(Action<MqttBrokerOptions>? configure = null) => new(o =>
    {
        (o.MaxOutboundBytes, o.MaxTotalOutboundBytes) = (64 * 1024, Most);
        configure?.Invoke(o);
    });

    /// <summary>Clients that subscribe to the flood and read nothing of it, until all together are left as much as may be.</summary>
    private static async Task<List<TestClient>> FillAsync(TestBroker broker, Func<Task>? each = null)
    {
        var still = new List<TestClient>();
        for (var i = 0; i < Readers; i++)
        {
            // Whatever it is sent beside what it reads stays under way: nothing moves by itself any more.
            var client = broker.Open(unread: 1);
            await client.ConnectAsync(TestBroker.Connect($"still-{i}"));
            await client.SubscribeAsync("flood/#");
            still.Add(client);
        }

        for (var i = 0; i < 100; i++)
        {
            broker.Broker.Publish("flood/a", Payload);
            if (each is not null)
            {
                await each();
            }
        }

        broker.Statistics.Dropped[MqttDropReason.SlowReader].ShouldBeGreaterThan(0);
        return still;
    }
}
