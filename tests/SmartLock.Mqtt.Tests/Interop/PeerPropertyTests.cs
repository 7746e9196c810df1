using System.Globalization;

namespace SmartLock.Mqtt.Tests.Interop;

/// <summary>What MQTT 5 lets packets carry besides, between other people's clients and the broker.</summary>
public sealed class PeerPropertyTests(InteropBroker broker) : IClassFixture<InteropBroker>
{
    private readonly string _topic = $"t/{Guid.NewGuid():N}";

    private static PeerProperties Every => new()
    {
        PayloadFormatIndicator = 1,
        MessageExpiryInterval = 1000,
        ContentType = "text/plain",
        ResponseTopic = "answers/here",
        CorrelationData = "0123",
        UserProperties = [["a", "1"], ["a", "2"], ["b", "ü"]],
    };

    [Theory]
    [MemberData(nameof(InteropBroker.Peers), MemberType = typeof(InteropBroker))]
    public async Task A_message_carries_them_all_through(PeerKind kind)
    {
        var plan = broker.Plan(5) with
        {
            Subscribe = [new(_topic)],
            SubscriptionIdentifier = 300,
            Publish = [new(_topic, "x", 1) { Properties = Every }],
            Until = 1,
        };
        await using var peer = Peer.Start(kind, plan);
        await peer.DoneAsync();
        var received = (await peer.EventAsync("message")).Properties!;
        received.MessageExpiryInterval!.Value.ShouldBeInRange(900, 1000);
        $"{received with { MessageExpiryInterval = 1000 }}".ShouldBe($"{Every with { SubscriptionIdentifiers = [300] }}");
    }

    [Theory]
    [MemberData(nameof(InteropBroker.Peers), MemberType = typeof(InteropBroker))]
    public async Task A_will_carries_them_after_its_delay(PeerKind kind)
    {
        await using var watcher = Peer.Start(kind, broker.Plan(5) with { Subscribe = [new(_topic)] });
        await watcher.EventAsync("subscribed");
        var will = new PeerMessage(_topic, "gone", 1) { Properties = Every with { WillDelayInterval = 1 } };
        await using var peer = Peer.Start(kind, broker.Plan(5) with { Will = will, SessionExpiry = 300 });
        await peer.EventAsync("connected");
        await peer.KillAsync();
        var received = (await watcher.EventAsync("message")).Properties!;
        $"{received with { MessageExpiryInterval = 1000 }}".ShouldBe($"{Every}");
    }

    [Theory]
    [MemberData(nameof(InteropBroker.Peers), MemberType = typeof(InteropBroker))]
    public async Task A_topic_alias_stands_for_its_topic(PeerKind kind)
    {
        var alias = new PeerProperties { TopicAlias = 3 };
        var plan = broker.Plan(5) with
        {
            Subscribe = [new(_topic)],
            Publish = [new(_topic, "named", 1) { Properties = alias }, new("", "by alias", 1) { Properties = alias }],
            Until = 2,
        };
        await using var peer = Peer.Start(kind, plan);
        await peer.DoneAsync();
        (await peer.MessagesAsync(2)).ShouldBe([new(_topic, "named", 1), new(_topic, "by alias", 1)]);
    }

    [Theory]
    [MemberData(nameof(InteropBroker.Peers), MemberType = typeof(InteropBroker))]
    public async Task A_client_without_a_name_is_given_one(PeerKind kind)
    {
        await using var peer = Peer.Start(kind, broker.Plan(5) with { ClientId = "", Until = 0 });
        await peer.DoneAsync();
        (await peer.EventAsync("connected")).AssignedClientId.ShouldNotBeNullOrEmpty();
    }

    [Theory]
    [MemberData(nameof(InteropBroker.PeersAndVersions), MemberType = typeof(InteropBroker))]
    public async Task What_is_forbidden_is_refused_and_the_connection_goes_on(PeerKind kind, int version)
    {
        var forbidden = string.Create(CultureInfo.InvariantCulture, $"forbidden/{kind}/{version}");
        broker.Access.ForbiddenTopics.Add(forbidden);
        broker.Access.ForbiddenFilters.Add(forbidden);
        var plan = broker.Plan(version) with
        {
            Subscribe = [new(_topic), new(forbidden)],
            Publish = [new(forbidden, "x", 1), new(_topic, "x", 1)],
            Until = 1,
        };
        await using var peer = Peer.Start(kind, plan);
        await peer.DoneAsync();
        peer.Events("subscribed").SelectMany(e => e.Codes!).ShouldBe([2, version == 5 ? 0x87 : 0x80]);
        peer.Events("message").Select(e => e.Topic).ShouldBe([_topic]);

        // paho does not hand on the reason code of a PUBACK, and 3.1.1 has none.
        if (kind == PeerKind.MqttJs)
        {
            peer.Events("published").Select(e => e.Reason).ShouldBe([version == 5 ? 0x87 : 0, 0]);
        }
    }
}
