using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Tests.Broker;

/// <summary>Logins are cheap where their holder can make as many as it likes: what is full is shared out by holder.</summary>
public sealed class HolderLimitTests
{
    private static readonly MqttProperties Lasting = new() { SessionExpiryInterval = 3600 };

    [Fact]
    public async Task Where_all_places_are_taken_a_newcomer_gets_one_of_the_largest_holder_which_is_told_why()
    {
        await using var broker = ByHolder(o => o.MaxConnections = 3);
        var strangers = new List<TestClient>();
        for (var i = 0; i < 3; i++)
        {
            strangers.Add(await broker.ConnectAsync(As("stranger", i)));
        }

        var owner = await broker.ConnectAsync(As("owner", 1));

        (await strangers[2].ReadDisconnectAsync()).ShouldBe(MqttReasonCode.QuotaExceeded);
        await owner.SubscribeAsync("a");
        (await broker.Open().ConnectAsync(As("stranger", 9))).ReasonCode.ShouldBe(MqttReasonCode.QuotaExceeded, "it is the largest still");
        (await broker.Open().ConnectAsync(As("third", 1))).ReasonCode.ShouldBe(MqttReasonCode.Success);
        (await broker.Open().ConnectAsync(As("fourth", 1))).ReasonCode.ShouldBe(MqttReasonCode.QuotaExceeded, "all have one");
        await owner.PublishAsync("a", "still here");
        (await owner.ReadPublishAsync()).Payload.ShouldBe("still here");
    }

    [Fact]
    public async Task Who_comes_back_takes_its_own_place_where_all_are_taken()
    {
        await using var broker = ByHolder(o => o.MaxConnections = 2);
        var first = await broker.ConnectAsync(As("a", 1));
        await broker.ConnectAsync(As("b", 1));

        await broker.ConnectAsync(As("a", 1));

        (await first.ReadDisconnectAsync()).ShouldBe(MqttReasonCode.SessionTakenOver);
    }

    [Fact]
    public async Task Idle_connections_keep_no_login_out()
    {
        await using var broker = ByHolder(o => (o.MaxConnections, o.MaxConnecting, o.MaxDelayedRefusals) = (2, 4, 1));
        for (var i = 0; i < 50; i++)
        {
            broker.Open();
        }

        (await broker.Open().ConnectAsync(As("a", 1))).ReasonCode.ShouldBe(MqttReasonCode.Success);
        (await broker.Open().ConnectAsync(As("b", 1))).ReasonCode.ShouldBe(MqttReasonCode.Success);
    }

    [Fact]
    public async Task Where_all_sessions_are_taken_the_largest_holder_loses_one_that_nobody_is_connected_to()
    {
        await using var broker = ByHolder(o => o.MaxSessions = 3);
        var connected = await broker.ConnectAsync(As("stranger", 1));
        for (var i = 2; i < 4; i++)
        {
            await (await broker.ConnectAsync(As("stranger", i) with { Properties = Lasting })).LeaveAsync();
        }

        await broker.ConnectAsync(As("owner", 1));

        broker.Statistics.Sessions.ShouldBe(3);
        await connected.SubscribeAsync("a");
        (await broker.Open().ConnectAsync(As("stranger", 9))).ReasonCode.ShouldBe(MqttReasonCode.QuotaExceeded);
    }

    [Fact]
    public async Task A_login_at_its_bound_makes_room_with_a_session_that_it_left_and_is_refused_where_it_left_none()
    {
        await using var broker = ByHolder(o => { });
        broker.Access.Authenticate = (_, _) => ValueTask.FromResult(MqttAuthentication.Accept(new MqttIdentity("device") { MaxSessions = 2 }));
        await (await broker.ConnectAsync(TestBroker.Connect("one") with { Properties = Lasting })).LeaveAsync();
        await broker.ConnectAsync("two");

        await broker.ConnectAsync("three");

        broker.Statistics.Sessions.ShouldBe(2);
        (await broker.Open().ConnectAsync(TestBroker.Connect("four"))).ReasonCode.ShouldBe(MqttReasonCode.QuotaExceeded);
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task A_login_without_lasting_sessions_leaves_none_whatever_it_asks_for(MqttProtocolVersion version)
    {
        await using var broker = ByHolder(o => { });
        broker.Access.Authenticate = (_, _) => ValueTask.FromResult(MqttAuthentication.Accept(new MqttIdentity("device") { KeepsSessions = false }));
        var connect = TestBroker.Connect("one", version) with { CleanStart = false, Properties = version == MqttProtocolVersion.V500 ? Lasting : null };
        var client = broker.Open();

        var answer = await client.ConnectAsync(connect);

        answer.ReasonCode.ShouldBe(MqttReasonCode.Success);
        answer.Properties?.SessionExpiryInterval.ShouldBe(0u);
        await client.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        await client.LeaveAsync();
        broker.Broker.Publish("a", "late"u8, MqttQoS.AtLeastOnce);
        broker.Statistics.Sessions.ShouldBe(0);
        var again = broker.Open();
        (await again.ConnectAsync(connect)).SessionPresent.ShouldBeFalse();
        await again.ShouldHaveNothingAsync();
    }

    [Theory]
    [InlineData(true, 2)]
    [InlineData(false, 1)]
    public async Task What_was_sent_and_has_expired_is_sent_again_only_to_a_login_that_wants_it(bool resends, int expected)
    {
        await using var broker = ByHolder(o => { });
        broker.Access.Authenticate = (_, _) => ValueTask.FromResult(MqttAuthentication.Accept(new MqttIdentity("device") { ResendsExpired = resends }));
        var client = await broker.ConnectAsync(TestBroker.Connect("one") with { Properties = Lasting });
        await client.SubscribeAsync("a", MqttQoS.AtLeastOnce);
        broker.Broker.Publish("a", "ends"u8, MqttQoS.AtLeastOnce, properties: new MqttProperties { MessageExpiryInterval = 10 });
        broker.Broker.Publish("a", "lasts"u8, MqttQoS.AtLeastOnce);
        (await client.ReadPublishAsync()).Payload.ShouldBe("ends");
        (await client.ReadPublishAsync()).Payload.ShouldBe("lasts");
        await client.VanishAsync();
        broker.Clock.Advance(TimeSpan.FromSeconds(11));

        var again = broker.Open();
        (await again.ConnectAsync(TestBroker.Connect("one") with { CleanStart = false, Properties = Lasting })).SessionPresent.ShouldBeTrue();

        var repeated = new List<string>();
        for (var i = 0; i < expected; i++)
        {
            repeated.Add((await again.TakeAsync()).Payload);
        }

        await again.ShouldHaveNothingAsync();
        repeated[^1].ShouldBe("lasts");
        broker.Statistics.Dropped[MqttDropReason.Expired].ShouldBe(resends ? 0 : 1);
        broker.Broker.Publish("a", "next"u8, MqttQoS.AtLeastOnce);
        (await again.TakeAsync()).Payload.ShouldBe("next");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (broker.Statistics.HeldBytes > 0)
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    /// <summary>User names are "holder login".</summary>
    private static TestBroker ByHolder(Action<MqttBrokerOptions> configure)
    {
        var broker = new TestBroker(configure);
        broker.Access.Authenticate = (request, _) =>
            ValueTask.FromResult(MqttAuthentication.Accept(new MqttIdentity(request.UserName!) { Holder = request.UserName!.Split(' ')[0] }));
        return broker;
    }

    private static ConnectPacket As(string holder, int login) => TestBroker.Connect("c") with { UserName = $"{holder} {login}" };
}
