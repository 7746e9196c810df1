using System.Text;
using System.Threading.Channels;
using SmartLock.Mqtt.Broker;

namespace SmartLock.Mqtt.Tests.Interop;

/// <summary>How other people's clients come and go, and what the broker keeps for them meanwhile.</summary>
public sealed class PeerSessionTests(InteropBroker broker) : IClassFixture<InteropBroker>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _topic = $"t/{Guid.NewGuid():N}";

    [Theory]
    [MemberData(nameof(InteropBroker.PeersAndVersions), MemberType = typeof(InteropBroker))]
    public async Task A_session_keeps_what_comes_while_its_client_is_away(PeerKind kind, int version)
    {
        var lasting = broker.Plan(version) with { Clean = false, SessionExpiry = 300 };
        await using var first = Peer.Start(kind, lasting with { Subscribe = [new(_topic)], Until = 0 });
        await first.DoneAsync();
        (await first.EventAsync("connected")).SessionPresent.ShouldBe(false);
        for (var i = 0; i < 10; i++)
        {
            broker.Broker.Publish(_topic, Encoding.UTF8.GetBytes($"{i}"), (MqttQoS)(1 + i % 2)).ShouldBe(1);
        }

        await using var second = Peer.Start(kind, lasting with { Until = 10 });
        await second.DoneAsync();
        (await second.EventAsync("connected")).SessionPresent.ShouldBe(true);
        var sent = Enumerable.Range(0, 10).Select(i => new PeerMessage(_topic, $"{i}", 1 + i % 2));
        (await second.MessagesAsync(10)).OrderBy(m => m.Qos).ShouldBe(sent.OrderBy(m => m.Qos));

        await using var third = Peer.Start(kind, lasting with { Clean = true, SessionExpiry = 0, Until = 0 });
        await third.DoneAsync();
        (await third.EventAsync("connected")).SessionPresent.ShouldBe(false);
        broker.Broker.Publish(_topic, "nobody"u8, MqttQoS.AtLeastOnce).ShouldBe(0);
    }

    [Theory]
    [MemberData(nameof(InteropBroker.PeersAndVersions), MemberType = typeof(InteropBroker))]
    public async Task A_session_outlives_a_power_cut(PeerKind kind, int version)
    {
        var lasting = broker.Plan(version) with { Clean = false, SessionExpiry = 300 };
        await using var first = Peer.Start(kind, lasting with { Subscribe = [new(_topic)] });
        await first.EventAsync("subscribed");
        await first.KillAsync();
        broker.Broker.Publish(_topic, "meanwhile"u8, MqttQoS.ExactlyOnce).ShouldBe(1);
        await using var second = Peer.Start(kind, lasting with { Until = 1 });
        await second.DoneAsync();
        (await second.EventAsync("connected")).SessionPresent.ShouldBe(true);
        (await second.MessagesAsync(1)).ShouldBe([new(_topic, "meanwhile", 2)]);
    }

    [Theory]
    [MemberData(nameof(InteropBroker.PeersAndVersions), MemberType = typeof(InteropBroker))]
    public async Task A_power_cut_sets_off_the_will_and_a_goodbye_does_not(PeerKind kind, int version)
    {
        var seen = Channel.CreateUnbounded<string>();
        using var watching = broker.Broker.Subscribe(_topic, (in InboundMessage m) =>
            seen.Writer.TryWrite($"{Encoding.UTF8.GetString(m.Payload)} {m.QoS} {m.Retain}").ShouldBeTrue());
        var plan = broker.Plan(version) with { Will = new(_topic, "polite", 2) };
        await using var polite = Peer.Start(kind, plan with { Until = 0 });
        await polite.DoneAsync();
        await using var cut = Peer.Start(kind, plan with { Will = new(_topic, "cut", 2) });
        await cut.EventAsync("connected");
        await cut.KillAsync();
        (await seen.Reader.ReadAsync().AsTask().WaitAsync(Patience)).ShouldBe("cut ExactlyOnce False");
        seen.Reader.Count.ShouldBe(0);
    }

    [Theory]
    [MemberData(nameof(InteropBroker.PeersAndVersions), MemberType = typeof(InteropBroker))]
    public async Task A_wrong_password_is_refused_in_the_words_of_the_version(PeerKind kind, int version)
    {
        await using var peer = Peer.Start(kind, broker.Plan(version) with { Password = "wrong" });
        (await peer.EventAsync("connected")).Reason.ShouldBe(version == 5 ? 0x86 : 4);
        await peer.DoneAsync();
    }

    [Theory]
    [MemberData(nameof(InteropBroker.PeersAndVersions), MemberType = typeof(InteropBroker))]
    public async Task Pings_are_answered(PeerKind kind, int version)
    {
        await using var peer = Peer.Start(kind, broker.Plan(version) with { KeepAlive = 1 });
        await peer.EventAsync("pong");
    }

    [Theory]
    [MemberData(nameof(InteropBroker.Peers), MemberType = typeof(InteropBroker))]
    public async Task A_v5_client_is_told_why_it_must_go(PeerKind kind)
    {
        var plan = broker.Plan(5) with { User = $"user-{Guid.NewGuid():N}" };
        await using var old = Peer.Start(kind, plan);
        await old.EventAsync("connected");
        await using var young = Peer.Start(kind, plan);
        await young.EventAsync("connected");
        (await old.EventAsync("disconnected")).Reason.ShouldBe(Told(MqttReasonCode.SessionTakenOver));
        (await broker.Broker.DisconnectAsync(plan.User)).ShouldBe(1);
        (await young.EventAsync("disconnected")).Reason.ShouldBe(Told(MqttReasonCode.AdministrativeAction));

        // paho 1.6 reads a DISCONNECT's reason only when properties follow it, and calls any other a lost connection.
        int Told(MqttReasonCode reason) => kind == PeerKind.Paho ? 7 : (int)reason;
    }
}
