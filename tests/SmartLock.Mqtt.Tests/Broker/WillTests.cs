using System.Text;
using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Tests.Broker;

public sealed class WillTests
{
    private static ConnectPacket WithWill(uint? delay = null, uint sessionExpiry = 600) => TestBroker.Connect("mortal") with
    {
        CleanStart = false,
        Properties = new MqttProperties { SessionExpiryInterval = sessionExpiry },
        Will = new MqttWill("wills", "gone"u8.ToArray())
        {
            QoS = MqttQoS.AtLeastOnce,
            Properties = new MqttProperties { WillDelayInterval = delay, ContentType = "text/plain" },
        },
    };

    [Fact]
    public async Task A_will_that_cannot_be_published_does_not_keep_its_connection()
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync(TestBroker.Connect("c") with { Will = new MqttWill("will", "x"u8.ToArray()) });
        broker.Access.BeforePublish = () => throw new InvalidOperationException("on purpose");
        await client.VanishAsync();
        broker.Statistics.Connections.ShouldBe(0);
        (await client.TryReadAsync()).ShouldBeNull();
    }

    [Fact]
    public async Task It_is_published_when_the_client_vanishes()
    {
        await using var broker = new TestBroker();
        var heir = await broker.ConnectAsync("heir");
        await heir.SubscribeAsync("wills", MqttQoS.AtLeastOnce);
        var mortal = await broker.ConnectAsync(WithWill());
        await mortal.VanishAsync();
        var will = await heir.TakeAsync();
        (will.Payload, will.QoS, will.Properties!.ContentType).ShouldBe(("gone", MqttQoS.AtLeastOnce, "text/plain"));
    }

    [Theory]
    [InlineData(MqttReasonCode.Success, 0)]
    [InlineData(MqttReasonCode.DisconnectWithWillMessage, 1)]
    [InlineData(MqttReasonCode.UnspecifiedError, 1)]
    public async Task A_goodbye_cancels_it_unless_it_asks_for_it(MqttReasonCode reason, int expected)
    {
        await using var broker = new TestBroker();
        var wills = Watch(broker);
        var mortal = await broker.ConnectAsync(WithWill());
        await mortal.LeaveAsync(reason);
        wills.Count.ShouldBe(expected);
    }

    [Fact]
    public async Task It_is_published_when_the_client_breaks_the_protocol()
    {
        await using var broker = new TestBroker();
        var wills = Watch(broker);
        var mortal = await broker.ConnectAsync(WithWill());
        await mortal.SendAsync(0x00, 0x00);
        await mortal.Served.WaitAsync(TimeSpan.FromSeconds(20));
        wills.ShouldBe(["gone"]);
    }

    [Fact]
    public async Task It_waits_for_its_delay()
    {
        await using var broker = new TestBroker();
        var wills = Watch(broker);
        await (await broker.ConnectAsync(WithWill(delay: 30))).VanishAsync();
        broker.Clock.Advance(TimeSpan.FromSeconds(29));
        wills.ShouldBeEmpty();
        broker.Clock.Advance(TimeSpan.FromSeconds(1));
        wills.ShouldBe(["gone"]);
        broker.Clock.Advance(TimeSpan.FromSeconds(3600));
        wills.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Coming_back_cancels_it()
    {
        await using var broker = new TestBroker();
        var wills = Watch(broker);
        await (await broker.ConnectAsync(WithWill(delay: 30))).VanishAsync();
        await broker.ConnectAsync(WithWill(delay: 30));
        broker.Clock.Advance(TimeSpan.FromSeconds(60));
        wills.ShouldBeEmpty();
    }

    [Fact]
    public async Task It_is_published_at_once_when_the_session_ends_before_its_delay()
    {
        await using var broker = new TestBroker();
        var wills = Watch(broker);
        await (await broker.ConnectAsync(WithWill(delay: 300, sessionExpiry: 20))).VanishAsync();
        broker.Clock.Advance(TimeSpan.FromSeconds(19));
        wills.ShouldBeEmpty();
        broker.Clock.Advance(TimeSpan.FromSeconds(1));
        wills.ShouldBe(["gone"]);
    }

    [Fact]
    public async Task A_clean_start_ends_the_session_and_publishes_it_at_once()
    {
        await using var broker = new TestBroker();
        var wills = Watch(broker);
        await (await broker.ConnectAsync(WithWill(delay: 300))).VanishAsync();
        await broker.ConnectAsync(TestBroker.Connect("mortal"));
        wills.ShouldBe(["gone"]);
    }

    [Theory]
    [InlineData(0u, 1)]
    [InlineData(30u, 0)]
    public async Task A_take_over_publishes_it_unless_it_is_delayed(uint delay, int expected)
    {
        await using var broker = new TestBroker();
        var wills = Watch(broker);
        var old = await broker.ConnectAsync(WithWill(delay));
        await broker.ConnectAsync(TestBroker.Connect("mortal") with { CleanStart = false });
        await old.Served.WaitAsync(TimeSpan.FromSeconds(20));
        broker.Clock.Advance(TimeSpan.FromSeconds(60));
        wills.Count.ShouldBe(expected);
    }

    [Fact]
    public async Task A_client_may_not_leave_a_will_where_it_may_not_publish()
    {
        await using var broker = new TestBroker();
        broker.Access.ForbiddenTopics.Add("wills");
        (await broker.Open().ConnectAsync(WithWill())).ReasonCode.ShouldBe(MqttReasonCode.NotAuthorized);
    }

    [Fact]
    public async Task A_right_that_is_gone_when_the_client_dies_is_gone()
    {
        await using var broker = new TestBroker();
        var wills = Watch(broker);
        var mortal = await broker.ConnectAsync(WithWill());
        broker.Access.ForbiddenTopics.Add("wills");
        await mortal.VanishAsync();
        wills.ShouldBeEmpty();
        broker.Statistics.Dropped[MqttDropReason.NotAuthorized].ShouldBe(1);
    }

    private static List<string> Watch(TestBroker broker)
    {
        var wills = new List<string>();
        broker.Broker.Subscribe("wills", (in InboundMessage m) => wills.Add(Encoding.UTF8.GetString(m.Payload)));
        return wills;
    }
}
