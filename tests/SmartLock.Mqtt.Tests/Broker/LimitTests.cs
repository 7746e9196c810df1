using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Tests.Broker;

public sealed class LimitTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_silent_client_is_let_go_after_one_and_a_half_keep_alives()
    {
        await using var broker = new TestBroker();
        var v5 = await broker.ConnectAsync(TestBroker.Connect("five") with { KeepAlive = 10 });
        var v3 = await broker.ConnectAsync(TestBroker.Connect("three", MqttProtocolVersion.V311) with { KeepAlive = 10 });
        broker.Clock.Advance(TimeSpan.FromSeconds(10));
        await v5.ShouldHaveNothingAsync();
        broker.Clock.Advance(TimeSpan.FromSeconds(5));
        (await v3.ReadDisconnectAsync()).ShouldBeNull();
        await v5.ShouldHaveNothingAsync();
        broker.Clock.Advance(TimeSpan.FromSeconds(15));
        (await v5.ReadDisconnectAsync()).ShouldBe(MqttReasonCode.KeepAliveTimeout);
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task An_identity_s_window_is_never_exceeded_and_each_acknowledgement_lets_one_more_in(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        broker.Access.Authenticate = (request, _) =>
            ValueTask.FromResult(MqttAuthentication.Accept(new MqttIdentity(request.ClientId) { MaxInflight = 3 }));
        var client = await broker.ConnectAsync(TestBroker.Connect("small", version));
        await client.SubscribeAsync("#", MqttQoS.AtLeastOnce);
        for (var i = 0; i < 10; i++)
        {
            broker.Broker.Publish("a", [(byte)('0' + i)], MqttQoS.AtLeastOnce);
        }

        var under = new List<ReceivedPublish>();
        for (var i = 0; i < 3; i++)
        {
            under.Add(await client.ReadPublishAsync());
        }

        for (var i = 3; i < 10; i++)
        {
            await client.ShouldHaveNothingAsync();
            await client.SendAsync(new AckPacket(MqttPacketType.PubAck, under[i - 3].PacketId));
            under.Add(await client.ReadPublishAsync());
        }

        string.Concat(under.Select(m => m.Payload)).ShouldBe("0123456789");
    }

    [Fact]
    public async Task Keep_alive_costs_one_timer_however_many_clients_there_are()
    {
        await using var broker = new TestBroker();
        for (var i = 0; i < 100; i++)
        {
            await broker.ConnectAsync(TestBroker.Connect($"c{i}") with { KeepAlive = 10 });
        }

        broker.Clock.PendingTimers.ShouldBe(1);
        broker.Broker.Core.Deadlines.Count.ShouldBe(100);
    }

    [Fact]
    public async Task A_v5_client_is_told_the_longest_keep_alive()
    {
        await using var broker = new TestBroker(o => o.MaxKeepAliveSeconds = 60);
        (await broker.Open().ConnectAsync(TestBroker.Connect("none"))).Properties!.ServerKeepAlive.ShouldBe((ushort)60);
        (await broker.Open().ConnectAsync(TestBroker.Connect("long") with { KeepAlive = 600 })).Properties!.ServerKeepAlive.ShouldBe((ushort)60);
        (await broker.Open().ConnectAsync(TestBroker.Connect("short") with { KeepAlive = 6 })).Properties!.ServerKeepAlive.ShouldBeNull();
        broker.Clock.Advance(TimeSpan.FromSeconds(90));
        await Until(() => broker.Statistics.Connections == 0);
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 0x10 })]
    [InlineData(new byte[] { 0x10, 0x20, 0x00, 0x04 })]
    public async Task A_connection_that_does_not_finish_its_connect_is_closed(byte[] sent)
    {
        await using var broker = new TestBroker(o => o.ConnectTimeout = TimeSpan.FromSeconds(5));
        var client = broker.Open();
        if (sent.Length > 0)
        {
            await client.SendAsync(sent);
        }

        broker.Clock.Advance(TimeSpan.FromSeconds(5));
        (await client.TryReadAsync()).ShouldBeNull();
        await Until(() => broker.Statistics.Connections == 0);
    }

    [Fact]
    public async Task An_authenticator_that_never_answers_holds_no_connection()
    {
        await using var broker = new TestBroker(o => o.ConnectTimeout = TimeSpan.FromSeconds(5));
        var asked = new TaskCompletionSource();
        broker.Access.Authenticate = (_, _) =>
        {
            asked.SetResult();
            return new ValueTask<MqttAuthentication>(new TaskCompletionSource<MqttAuthentication>().Task);
        };
        var client = broker.Open();
        await client.SendAsync(TestBroker.Connect("c").WriteTo);
        await asked.Task.WaitAsync(Patience);
        broker.Clock.Advance(TimeSpan.FromSeconds(5));
        (await client.TryReadAsync()).ShouldBeNull();
        await client.Served.WaitAsync(Patience);
    }

    [Fact]
    public async Task An_authenticator_that_fails_lets_nobody_in()
    {
        await using var broker = new TestBroker();
        broker.Access.Authenticate = (_, _) => throw new InvalidOperationException("on purpose");
        (await broker.Open().ConnectAsync(TestBroker.Connect("c"))).ReasonCode.ShouldBe(MqttReasonCode.ServerUnavailable);
    }

    [Fact]
    public async Task The_password_is_wiped_once_it_has_been_checked()
    {
        await using var broker = new TestBroker();
        ReadOnlyMemory<byte> kept = default;
        var right = false;
        broker.Access.Authenticate = (request, _) =>
        {
            kept = request.Password;
            right = request.Password.Span.SequenceEqual("secret"u8);
            return ValueTask.FromResult(MqttAuthentication.Accept(new MqttIdentity("x")));
        };
        await broker.ConnectAsync(TestBroker.Connect("c") with { Password = "secret"u8.ToArray() });
        right.ShouldBeTrue();
        await Until(() => kept.Span.IndexOfAnyExcept((byte)0) < 0);
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V500, MqttReasonCode.BadUserNameOrPassword)]
    [InlineData(MqttProtocolVersion.V311, MqttReasonCode.BadUserNameOrPassword)]
    public async Task A_refusal_says_why(MqttProtocolVersion version, MqttReasonCode expected)
    {
        await using var broker = new TestBroker();
        var client = broker.Open();
        (await client.ConnectAsync(TestBroker.Connect("c", version) with { UserName = null })).ReasonCode.ShouldBe(expected);
        (await client.TryReadAsync()).ShouldBeNull();
        broker.Statistics.ConnectionsRefused.ShouldBe(1);
    }

    [Fact]
    public async Task Connections_are_bounded()
    {
        await using var broker = new TestBroker(o => o.MaxConnections = 2);
        await broker.ConnectAsync("one");
        var two = await broker.ConnectAsync("two");
        (await broker.Open().ConnectAsync(TestBroker.Connect("three"))).ReasonCode.ShouldBe(MqttReasonCode.QuotaExceeded);
        await two.LeaveAsync();
        await broker.ConnectAsync("three");
    }

    [Fact]
    public async Task Sessions_are_bounded()
    {
        await using var broker = new TestBroker(o => o.MaxSessions = 1);
        var one = await broker.ConnectAsync("one");
        (await broker.Open().ConnectAsync(TestBroker.Connect("two"))).ReasonCode.ShouldBe(MqttReasonCode.QuotaExceeded);
        await one.LeaveAsync();
        await broker.ConnectAsync("two");
    }

    [Fact]
    public async Task Sessions_of_one_login_are_bounded()
    {
        await using var broker = new TestBroker(o => o.MaxSessionsPerIdentity = 1);
        await broker.ConnectAsync("one");
        (await broker.Open().ConnectAsync(TestBroker.Connect("two"))).ReasonCode.ShouldBe(MqttReasonCode.QuotaExceeded);
        await broker.ConnectAsync(TestBroker.Connect("two") with { UserName = "other" });
    }

    [Fact]
    public async Task Subscriptions_of_a_session_are_bounded()
    {
        await using var broker = new TestBroker(o => (o.MaxSubscriptionsPerSession, o.MaxTopicLevels) = (2, 3));
        var client = await broker.ConnectAsync("c");
        (await client.SubscribeAsync(0, new("a"), new("b"), new("c"), new("a"), new("x/x/x/x"))).ShouldBe(
        [
            MqttReasonCode.Success, MqttReasonCode.Success, MqttReasonCode.QuotaExceeded, MqttReasonCode.Success, MqttReasonCode.TopicFilterInvalid,
        ]);
    }

    [Fact]
    public async Task What_may_not_be_subscribed_to_or_published_is_refused_by_reason()
    {
        await using var broker = new TestBroker();
        broker.Access.ForbiddenFilters.Add("no/#");
        broker.Access.ForbiddenTopics.Add("no/x");
        var v5 = await broker.ConnectAsync("five");
        var v3 = await broker.ConnectAsync("three", MqttProtocolVersion.V311);
        (await v5.SubscribeAsync(0, new MqttSubscription("no/#"))).ShouldBe([MqttReasonCode.NotAuthorized]);
        (await v3.SubscribeAsync(0, new MqttSubscription("no/#"))).ShouldBe([MqttReasonCode.UnspecifiedError]);

        var seen = 0;
        broker.Broker.Subscribe("#", (in InboundMessage _) => seen++);
        await v5.PublishAsync("no/x", "x");
        await v5.PublishAsync("no/x", "x", MqttQoS.AtLeastOnce);
        (await v5.ReadAsync()).Ack(MqttPacketType.PubAck).ReasonCode.ShouldBe(MqttReasonCode.NotAuthorized);
        await v5.PublishAsync("no/x", "x", MqttQoS.ExactlyOnce);
        (await v5.ReadAsync()).Ack(MqttPacketType.PubRec).ReasonCode.ShouldBe(MqttReasonCode.NotAuthorized);
        await v3.PublishAsync("no/x", "x", MqttQoS.AtLeastOnce);
        (await v3.ReadAsync()).Ack(MqttPacketType.PubAck);
        seen.ShouldBe(0);
        broker.Statistics.Dropped[MqttDropReason.NotAuthorized].ShouldBe(4);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Problem_information_is_given_unless_the_client_does_not_want_it(bool wanted)
    {
        await using var broker = new TestBroker();
        broker.Access.ForbiddenTopics.Add("no");
        var properties = new MqttProperties { RequestProblemInformation = wanted };
        var client = await broker.ConnectAsync(TestBroker.Connect("c") with { Properties = properties });
        await client.PublishAsync("no", "x", MqttQoS.AtLeastOnce);
        (await client.ReadAsync()).Ack(MqttPacketType.PubAck).Properties?.ReasonString.ShouldBe(wanted ? "The login has no right to this topic." : null);
    }

    private static async Task Until(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!condition())
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
