using System.Net;
using SmartLock.Mqtt.Packets;
using SmartLock.Mqtt.Tests.Broker;

namespace SmartLock.Mqtt.Tests.Hostile;

/// <summary>What somebody may do to the broker without a login.</summary>
public sealed class BeforeLoginTests
{
    private static readonly IPEndPoint Attacker = new(IPAddress.Parse("203.0.113.7"), 4000);
    private static readonly IPEndPoint Neighbour = new(IPAddress.Parse("198.51.100.20"), 4000);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Thousands_of_connections_that_say_nothing_leave_a_bounded_number_and_keep_nobody_out()
    {
        await using var broker = new TestBroker(o => (o.MaxConnecting, o.MaxConnectingPerAddress) = (500, 100));
        var bystander = await Bystander.JoinAsync(broker);
        for (var i = 0; i < 5000; i++)
        {
            broker.Open(from: new IPEndPoint(new IPAddress([203, 0, (byte)(i % 20), 7]), i));
            broker.Statistics.Connecting.ShouldBeLessThanOrEqualTo(500);
            if (i % 500 == 0)
            {
                await bystander.ShouldBeServedAsync();
            }
        }

        // Whoever comes and says who it is gets in, though the line is full.
        var device = broker.Open(from: Neighbour);
        (await device.ConnectAsync(TestBroker.Connect("device"))).ReasonCode.ShouldBe(MqttReasonCode.Success);
        await bystander.ShouldBeServedAsync();
        await Signals.Until(() => broker.Statistics.Connections <= 502);
        broker.Broker.Core.Deadlines.Count.ShouldBeLessThanOrEqualTo(502);

        broker.Clock.Advance(TimeSpan.FromSeconds(10));
        await Signals.Until(() => broker.Statistics.Connections == 2);
        broker.Statistics.Connecting.ShouldBe(0);
    }

    [Fact]
    public async Task One_address_pushes_out_its_own_only()
    {
        await using var broker = new TestBroker(o => (o.MaxConnecting, o.MaxConnectingPerAddress) = (1000, 10));
        var slow = broker.Open(from: Neighbour);
        var own = Enumerable.Range(0, 200).Select(_ => broker.Open(from: Attacker)).ToList();
        foreach (var pushedOut in own.Take(190))
        {
            (await pushedOut.TryReadAsync()).ShouldBeNull();
        }

        broker.Statistics.Connecting.ShouldBe(11);
        (await slow.ConnectAsync(TestBroker.Connect("slow"))).ReasonCode.ShouldBe(MqttReasonCode.Success);
        // A client of the attacker's own network, behind the same address, gets in as well.
        (await broker.Open(from: Attacker).ConnectAsync(TestBroker.Connect("inside"))).ReasonCode.ShouldBe(MqttReasonCode.Success);
        broker.Statistics.ConnectionsRefused.ShouldBe(191);
    }

    [Fact]
    public async Task Addresses_of_one_ipv6_network_and_both_forms_of_an_ipv4_address_count_as_one()
    {
        await using var broker = new TestBroker(o => o.MaxConnectingPerAddress = 1);
        var first = broker.Open(from: new IPEndPoint(IPAddress.Parse("2001:db8::1"), 1));
        var other = broker.Open(from: new IPEndPoint(IPAddress.Parse("2001:db8:0:1::1"), 1));
        broker.Open(from: new IPEndPoint(IPAddress.Parse("2001:db8::2"), 1));
        (await first.TryReadAsync()).ShouldBeNull();
        var mapped = broker.Open(from: new IPEndPoint(IPAddress.Parse("::ffff:198.51.100.20"), 1));
        broker.Open(from: Neighbour);
        (await mapped.TryReadAsync()).ShouldBeNull();
        broker.Statistics.Connecting.ShouldBe(3);
        await other.ConnectAsync(TestBroker.Connect("other"));
    }

    [Fact]
    public async Task A_storm_of_whole_logins_ends_with_nothing_left()
    {
        await using var broker = new TestBroker(o => o.MaxConnecting = 64);
        var bystander = await Bystander.JoinAsync(broker);
        var storm = Enumerable.Range(0, 4).Select(lane => Task.Run(async () =>
        {
            for (var i = 0; i < 750; i++)
            {
                var client = broker.Open(from: Attacker);
                var name = $"client-{lane}-{i}";
                (await client.ConnectAsync(TestBroker.Connect(name) with { UserName = name })).ReasonCode.ShouldBe(MqttReasonCode.Success);
                await client.VanishAsync();
            }
        })).ToList();
        while (!storm.TrueForAll(t => t.IsCompleted))
        {
            await bystander.ShouldBeServedAsync();
        }

        await Task.WhenAll(storm);
        broker.Statistics.ConnectionsAccepted.ShouldBe(3001);
        (broker.Statistics.Connections, broker.Statistics.Sessions, broker.Statistics.Connecting).ShouldBe((1, 1, 0));
        broker.Log.Lines.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(1_000_000)]
    [InlineData(4_200)]
    public async Task A_connect_larger_than_a_login_needs_is_closed_at_its_header(int length)
    {
        await using var broker = new TestBroker();
        var client = broker.Open(from: Attacker);
        await client.SendAsync(0x10, (byte)(0x80 | (length & 0x7F)), (byte)(0x80 | ((length >> 7) & 0x7F)), (byte)(length >> 14));
        (await client.TryReadAsync()).ShouldBeNull();
        await client.Served.WaitAsync(Patience);
        broker.Statistics.ProtocolErrors.ShouldBe(1);
    }

    [Fact]
    public async Task A_will_as_large_as_a_connect_may_be_is_taken_and_a_larger_publish_is_still_allowed()
    {
        await using var broker = new TestBroker();
        var will = new MqttWill("will", new byte[3900]);
        (await broker.Open().ConnectAsync(TestBroker.Connect("c") with { Will = will })).ReasonCode.ShouldBe(MqttReasonCode.Success);
        var client = await broker.ConnectAsync("d");
        await client.PublishAsync("a", new string('x', 100_000), MqttQoS.AtLeastOnce);
        (await client.ReadAsync()).Ack(MqttPacketType.PubAck);
    }

    [Fact]
    public async Task A_client_id_as_long_as_a_connect_has_room_for_is_refused()
    {
        await using var broker = new TestBroker();
        var connect = TestBroker.Connect(new string('x', 4000));
        (await broker.Open().ConnectAsync(connect)).ReasonCode.ShouldBe(MqttReasonCode.ClientIdentifierNotValid);
        broker.Statistics.Sessions.ShouldBe(0);
    }

    [Fact]
    public async Task A_wrong_login_waits_for_its_answer_and_a_right_one_at_the_same_address_does_not()
    {
        await using var broker = new TestBroker(o => o.RefusalDelay = TimeSpan.FromSeconds(1));
        var guesser = broker.Open(from: Attacker);
        await guesser.SendAsync((TestBroker.Connect("guess") with { UserName = null }).WriteTo);
        await Signals.Until(() => broker.Statistics.DelayedRefusals == 1);
        // What it sends meanwhile goes nowhere.
        await guesser.SendAsync(new byte[60_000]);
        (await broker.Open(from: Attacker).ConnectAsync(TestBroker.Connect("right"))).ReasonCode.ShouldBe(MqttReasonCode.Success);
        broker.Statistics.ConnectionsRefused.ShouldBe(0);

        broker.Clock.Advance(TimeSpan.FromSeconds(1));
        var answer = await guesser.ReadAsync();
        ConnAckPacket.Read(answer.Body, MqttProtocolVersion.V500).ReasonCode.ShouldBe(MqttReasonCode.BadUserNameOrPassword);
        (await guesser.TryReadAsync()).ShouldBeNull();
        broker.Statistics.DelayedRefusals.ShouldBe(0);
    }

    [Fact]
    public async Task Refusals_that_wait_are_bounded_and_the_oldest_is_told_first()
    {
        await using var broker = new TestBroker(o => (o.RefusalDelay, o.MaxDelayedRefusalsPerAddress) = (TimeSpan.FromSeconds(1), 3));
        var guessers = new List<TestClient>();
        for (var i = 0; i < 10; i++)
        {
            var guesser = broker.Open(from: Attacker);
            guessers.Add(guesser);
            await guesser.SendAsync((TestBroker.Connect("guess") with { UserName = null }).WriteTo);
            await Signals.Until(() => broker.Statistics is { Connecting: 0 } s && s.DelayedRefusals == Math.Min(guessers.Count, 3));
        }

        foreach (var told in guessers.Take(7))
        {
            (await told.ReadAsync()).Type.ShouldBe(MqttPacketType.ConnAck);
        }

        broker.Statistics.ConnectionsRefused.ShouldBe(7);
        broker.Clock.Advance(TimeSpan.FromSeconds(1));
        (await guessers[9].ReadAsync()).Type.ShouldBe(MqttPacketType.ConnAck);
        await Signals.Until(() => broker.Statistics is { ConnectionsRefused: 10, Connections: 0 });
    }

    [Fact]
    public async Task Who_does_not_wait_for_the_refusal_leaves_nothing_behind()
    {
        await using var broker = new TestBroker(o => o.RefusalDelay = TimeSpan.FromSeconds(1));
        for (var i = 0; i < 100; i++)
        {
            var guesser = broker.Open(from: Attacker);
            await guesser.SendAsync((TestBroker.Connect("guess") with { UserName = null }).WriteTo);
            await guesser.VanishAsync();
        }

        broker.Statistics.Connections.ShouldBe(0);
        broker.Statistics.DelayedRefusals.ShouldBe(0);
        broker.Broker.Core.Deadlines.Count.ShouldBe(0);
        broker.Statistics.ConnectionsRefused.ShouldBe(100);
    }
}
