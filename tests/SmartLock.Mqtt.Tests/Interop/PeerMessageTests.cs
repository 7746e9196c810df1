using System.Text;

namespace SmartLock.Mqtt.Tests.Interop;

/// <summary>How messages come and go between other people's clients and the broker.</summary>
public sealed class PeerMessageTests(InteropBroker broker) : IClassFixture<InteropBroker>
{
    private readonly string _topic = $"tür/{Guid.NewGuid():N}";

    [Theory]
    [MemberData(nameof(InteropBroker.PeersVersionsAndTransports), MemberType = typeof(InteropBroker))]
    public async Task Every_qos_over_every_transport(PeerKind kind, int version, string transport)
    {
        PeerMessage[] messages =
        [
            new(_topic, "öffnen", 0),
            new(_topic, "zu", 1),
            new(_topic, "", 2),
            // Several TLS records and WebSocket frames, and a length of three bytes.
            new(_topic, new string('x', 100_000), 2),
        ];
        var plan = broker.Plan(version, transport) with { Subscribe = [new(_topic)], Publish = messages, Until = messages.Length };
        await using var peer = Peer.Start(kind, plan);
        await peer.DoneAsync();
        (await peer.EventAsync("connected")).Reason.ShouldBe(0);
        (await peer.EventAsync("subscribed")).Codes.ShouldBe([2]);
        peer.Events("published").Length.ShouldBe(messages.Length);
        (await peer.MessagesAsync(messages.Length)).ShouldBe(messages);
    }

    [Theory]
    [MemberData(nameof(InteropBroker.PeersAndVersions), MemberType = typeof(InteropBroker))]
    public async Task A_burst_arrives_whole_and_in_order_at_the_qos_that_was_granted(PeerKind kind, int version)
    {
        const int Count = 900;
        await using var peer = Peer.Start(kind, broker.Plan(version) with { Subscribe = [new(_topic)], Until = Count });
        await peer.EventAsync("subscribed");
        for (var i = 0; i < Count; i++)
        {
            broker.Broker.Publish(_topic, Encoding.UTF8.GetBytes($"{i}"), (MqttQoS)(1 + i % 2)).ShouldBe(1);
        }

        await peer.DoneAsync();
        // Clients hand on a QoS 2 message once it is released, so there is an order within each QoS only.
        var sent = Enumerable.Range(0, Count).Select(i => new PeerMessage(_topic, $"{i}", 1 + i % 2));
        (await peer.MessagesAsync(Count)).OrderBy(m => m.Qos).ShouldBe(sent.OrderBy(m => m.Qos));
    }

    [Theory]
    [MemberData(nameof(InteropBroker.PeersAndVersions), MemberType = typeof(InteropBroker))]
    public async Task A_retained_message_waits_for_later_subscribers_until_an_empty_one_removes_it(PeerKind kind, int version)
    {
        var kept = new PeerMessage(_topic, "kept", 1) { Retain = true };
        await using var publisher = Peer.Start(kind, broker.Plan(version) with { Publish = [kept], Until = 0 });
        await publisher.DoneAsync();
        broker.Broker.GetStatistics().RetainedMessages.ShouldBe(1);

        var removal = new PeerMessage(_topic, "", 1) { Retain = true };
        await using var subscriber = Peer.Start(kind, broker.Plan(version) with { Subscribe = [new(_topic)], Publish = [removal], Until = 2 });
        await subscriber.DoneAsync();
        (await subscriber.MessagesAsync(2)).ShouldBe([kept, removal with { Retain = false }]);
        broker.Broker.GetStatistics().RetainedMessages.ShouldBe(0);
    }

    [Theory]
    [MemberData(nameof(InteropBroker.Peers), MemberType = typeof(InteropBroker))]
    public async Task A_v5_subscription_has_options(PeerKind kind)
    {
        broker.Broker.Publish($"{_topic}/never", "kept"u8, retain: true);
        var plan = broker.Plan(5) with
        {
            Subscribe =
            [
                new($"{_topic}/never") { RetainHandling = 2 },
                new($"{_topic}/published") { RetainAsPublished = true },
                new($"{_topic}/others") { NoLocal = true },
                new($"{_topic}/last"),
            ],
            Publish =
            [
                new($"{_topic}/others", "own", 1),
                new($"{_topic}/published", "retained", 1) { Retain = true },
                new($"{_topic}/published", "not", 1),
                new($"{_topic}/last", "", 1),
            ],
            Until = 3,
        };
        await using var peer = Peer.Start(kind, plan);
        await peer.DoneAsync();
        (await peer.MessagesAsync(3)).ShouldBe(plan.Publish.Skip(1));
        broker.Broker.Publish($"{_topic}/never", default, retain: true);
        broker.Broker.Publish($"{_topic}/published", default, retain: true);
    }

    [Theory]
    [MemberData(nameof(InteropBroker.PeersAndVersions), MemberType = typeof(InteropBroker))]
    public async Task A_shared_subscription_gives_each_message_to_one_member(PeerKind kind, int version)
    {
        const int Count = 20;
        PeerPlan Member() => broker.Plan(version) with { Subscribe = [new($"$share/group/{_topic}")] };
        await using var first = Peer.Start(kind, Member());
        await using var second = Peer.Start(kind, Member());
        await first.EventAsync("subscribed");
        await second.EventAsync("subscribed");
        for (var i = 0; i < Count; i++)
        {
            broker.Broker.Publish(_topic, Encoding.UTF8.GetBytes($"{i}"), MqttQoS.AtLeastOnce).ShouldBe(1);
        }

        await SmartLock.Testing.Eventually.TrueAsync(
            () => first.Events("message").Length + second.Events("message").Length >= Count,
            "all were delivered");
        var all = first.Events("message").Concat(second.Events("message")).Select(m => m.Payload);
        all.ShouldBe(Enumerable.Range(0, Count).Select(i => $"{i}"), ignoreOrder: true);
        first.Events("message").ShouldNotBeEmpty();
        second.Events("message").ShouldNotBeEmpty();
    }
}
