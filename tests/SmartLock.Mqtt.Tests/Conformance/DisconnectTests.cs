using System.IO.Pipelines;
using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Packets;
using SmartLock.Mqtt.Tests.Broker;
using SmartLock.Mqtt.Tests.Packets;
using static SmartLock.Mqtt.Tests.Conformance.Raw;

namespace SmartLock.Mqtt.Tests.Conformance;

/// <summary>Sections 3.12 to 3.15 and 4.12, 4.13: PINGREQ, DISCONNECT and AUTH; and what the broker sends when it closes.</summary>
public sealed class DisconnectTests
{
    [Fact]
    public async Task No_session_expiry_is_sent_with_a_goodbye_and_nothing_behind_it()
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync(Lasting("c", V500));
        await client.SubscribeAsync("t");
        await broker.ConnectAsync(Lasting("c", V500));
        broker.Broker.Publish("t", "x"u8);
        var goodbye = (await client.ReadAsync()).Disconnect();
        (goodbye.ReasonCode, goodbye.Properties).ShouldBe((MqttReasonCode.SessionTakenOver, null));
        (await client.TryReadAsync()).ShouldBeNull();
    }

    [Fact]
    public void A_goodbye_and_the_end_of_writing_are_one_step()
    {
        var pipe = new Pipe();
        var outbound = new Outbound(pipe.Writer, 65_536, new OutboundTotal(long.MaxValue), new Owner());
        outbound.Configure(V500, uint.MaxValue, topicAliases: 0);
        var turn = default(Turn);
        outbound.Close(new DisconnectPacket(MqttReasonCode.ServerShuttingDown), ref turn);
        outbound.TryWrite(new OutgoingPublish { Topic = "t"u8 }, wake: false, ref turn).ShouldBe(OutboundResult.Closed);
        outbound.TryWrite(new AckPacket(MqttPacketType.PubAck, 1), ref turn).ShouldBe(OutboundResult.Closed);
        outbound.Close(new DisconnectPacket(MqttReasonCode.ProtocolError), ref turn);
    }

    [Fact]
    public async Task A_connection_that_is_closed_before_its_connack_hears_no_goodbye()
    {
        await using var broker = new TestBroker();
        var asked = new TaskCompletionSource();
        broker.Access.Authenticate = async (_, ct) =>
        {
            asked.SetResult();
            await new TaskCompletionSource().Task.WaitAsync(ct);
            return MqttAuthentication.Accept(new MqttIdentity("x"));
        };
        var client = broker.Open();
        await client.SendAsync(TestBroker.Connect("c").WriteTo);
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(20));
        var stopped = broker.Broker.StopAsync();
        (await client.TryReadAsync()).ShouldBeNull();
        await stopped.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Theory]
    [InlineData(MqttReasonCode.BadUserNameOrPassword)]
    [InlineData(MqttReasonCode.GrantedQoS1)]
    public async Task A_reason_that_no_disconnect_may_carry_is_replaced(MqttReasonCode reason)
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync("c");
        await broker.Broker.DisconnectAsync("device", reason);
        (await client.ReadDisconnectAsync()).ShouldBe(MqttReasonCode.UnspecifiedError);
    }

    [Theory]
    [InlineData("F0 00")]
    [InlineData("F0 02 18 00")]
    [InlineData("F0 07 19 05 15 00 02 61 61")]
    public async Task An_auth_without_an_agreed_method_closes_the_connection(string hex)
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync("c");
        await client.SendAsync(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));
        (await client.ReadDisconnectAsync()).ShouldBe(MqttReasonCode.ProtocolError);
    }

    [Theory]
    [InlineData(V311)]
    [InlineData(V500)]
    public async Task An_error_while_a_packet_is_processed_ends_that_connection_alone(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        var bystander = await broker.ConnectAsync("bystander", version);
        var client = await broker.ConnectAsync("c", version);
        broker.Access.BeforePublish = () => throw new InvalidOperationException("of the test");
        await client.PublishAsync("t", "x", MqttQoS.AtLeastOnce);
        await client.ShouldCloseAsync(MqttReasonCode.UnspecifiedError);
        await bystander.ShouldHaveNothingAsync();
    }

    [Fact]
    public async Task An_authentication_method_is_refused_and_nothing_but_the_refusal_is_said()
    {
        await using var broker = new TestBroker();
        var client = broker.Open();
        await client.SendAsync(Wire.Frame(0x10, [0, 4, .. "MQTT"u8, 5, 0x82, 0, 60, 5, 0x15, .. Text("aa"), .. Text("c"), .. Text("device")]));
        var answer = await client.ReadAsync();
        answer.Type.ShouldBe(MqttPacketType.ConnAck);
        var connAck = ConnAckPacket.Read(answer.Body, V500);
        (connAck.ReasonCode, connAck.Properties).ShouldBe((MqttReasonCode.BadAuthenticationMethod, null));
        (await client.TryReadAsync()).ShouldBeNull();
    }

    private sealed class Owner : IOutboundOwner
    {
        public void OnDrained() => throw new InvalidOperationException("Nothing waits.");

        public void OnWriteFailed() => throw new InvalidOperationException("Nothing is written.");
    }
}
