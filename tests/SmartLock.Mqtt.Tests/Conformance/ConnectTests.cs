using System.IO.Pipelines;
using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Packets;
using SmartLock.Mqtt.Tests.Broker;
using SmartLock.Mqtt.Tests.Packets;
using static SmartLock.Mqtt.Tests.Conformance.Raw;

namespace SmartLock.Mqtt.Tests.Conformance;

/// <summary>Sections 3.1 and 3.2: CONNECT and CONNACK, as the broker takes and gives them.</summary>
public sealed class ConnectTests
{
    public static TheoryData<MqttProtocolVersion> Versions => Raw.Versions;

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_second_connect_closes_the_connection(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectAsync("c", version);
        await client.SendAsync(TestBroker.Connect("c", version).WriteTo);
        await client.ShouldCloseAsync(MqttReasonCode.ProtocolError);
    }

    [Theory]
    [InlineData("MQTT", 3)]
    [InlineData("MQTT", 6)]
    [InlineData("MQTT", 0x84)]
    [InlineData("MQIsdp", 3)]
    [InlineData("mqtt", 4)]
    [InlineData("MQTX", 5)]
    public async Task Another_protocol_or_level_is_answered_with_code_1_and_closed(string name, int level)
    {
        await using var broker = new TestBroker();
        var client = broker.Open();
        await client.SendAsync(Wire.Frame(0x10, [.. Text(name), (byte)level, 2, 0, 60, .. Text("c")]));
        var answer = await client.ReadAsync();
        (answer.Type, answer.Body[0], answer.Body[1], answer.Body.Length).ShouldBe((MqttPacketType.ConnAck, (byte)0, (byte)1, 2));
        (await client.TryReadAsync()).ShouldBeNull();
        broker.Statistics.Sessions.ShouldBe(0);
    }

    /// <summary>What a CONNECT may not be: flags, and what should or should not follow from them.</summary>
    public static TheoryData<string, MqttProtocolVersion, byte[]> Faults()
    {
        var faults = new TheoryData<string, MqttProtocolVersion, byte[]>
        {
            { "password without a user name", V311, Connect(V311, 0x42, Text("c"), Text("p")) },
        };
        foreach (var version in new[] { V311, V500 })
        {
            faults.Add("reserved flag", version, Connect(version, 0x83, Text("c"), Text("u")));
            faults.Add("will QoS without a will", version, Connect(version, 0x8A, Text("c"), Text("u")));
            faults.Add("will retain without a will", version, Connect(version, 0xA2, Text("c"), Text("u")));
            faults.Add("will QoS 3", version, Connect(version, 0x9E, Text("c"), NoProperties(version), Text("w"), Text("m"), Text("u")));
            faults.Add("will without its fields", version, Connect(version, 0x06, Text("c")));
            faults.Add("will without its message", version, Connect(version, 0x06, Text("c"), NoProperties(version), Text("w")));
            faults.Add("fields of a will without its flag", version, Connect(version, 0x82, Text("c"), Text("w"), Text("m"), Text("u")));
            faults.Add("user name without its field", version, Connect(version, 0x82, Text("c")));
            faults.Add("field of a user name without its flag", version, Connect(version, 0x02, Text("c"), Text("u")));
            faults.Add("password without its field", version, Connect(version, 0xC2, Text("c"), Text("u")));
            faults.Add("field of a password without its flag", version, Connect(version, 0x82, Text("c"), Text("u"), Text("p")));
            faults.Add("no client id", version, Connect(version, 0x02));
            faults.Add("nothing after the flags", version, Wire.Frame(0x10, [0, 4, .. "MQTT"u8, (byte)version, 2]));
        }

        return faults;
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_connect_that_contradicts_itself_is_closed_and_in_3_1_1_not_answered(string what, MqttProtocolVersion version, byte[] connect)
    {
        await using var broker = new TestBroker();
        var client = broker.Open();
        await client.SendAsync(connect);
        if (version == V500)
        {
            ConnAckPacket.Read((await client.ReadAsync()).Body, version).ReasonCode.ShouldBe(MqttReasonCode.MalformedPacket, what);
        }

        (await client.TryReadAsync()).ShouldBeNull(what);
        broker.Statistics.Sessions.ShouldBe(0);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Its_fields_are_read_in_their_order(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        MqttConnectRequest? seen = null;
        var password = "";
        broker.Access.Authenticate = (request, _) =>
        {
            seen = request;
            password = System.Text.Encoding.UTF8.GetString(request.Password.Span);
            return ValueTask.FromResult(MqttAuthentication.Accept(new MqttIdentity("x")));
        };
        var heir = await broker.ConnectAsync("heir", version);
        await heir.SubscribeAsync("topic");
        var client = broker.Open();
        await client.SendAsync(Connect(version, 0xC6, Text("id"), NoProperties(version), Text("topic"), Text("message"), Text("user"), Text("word")));
        ConnAckPacket.Read((await client.ReadAsync()).Body, version).ReasonCode.ShouldBe(MqttReasonCode.Success);
        (seen!.ClientId, seen.UserName, password).ShouldBe(("id", "user", "word"));
        await client.VanishAsync();
        (await heir.ReadPublishAsync()).Payload.ShouldBe("message");
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Every_client_id_of_the_required_form_is_taken(MqttProtocolVersion version)
    {
        const string Characters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        await using var broker = new TestBroker();
        for (var start = 0; start < Characters.Length; start += 21)
        {
            await broker.ConnectAsync(Characters.Substring(start, Math.Min(23, Characters.Length - start)), version);
            await broker.ConnectAsync(Characters.Substring(start, 1), version);
        }

        broker.Statistics.Connections.ShouldBe(6);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Clients_without_an_id_are_told_apart(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        var one = broker.Open();
        var two = broker.Open();
        var connect = TestBroker.Connect("", version) with { Properties = version == V500 ? new MqttProperties { SessionExpiryInterval = 60 } : null };
        var answer = await one.ConnectAsync(connect);
        answer.ReasonCode.ShouldBe(MqttReasonCode.Success);
        (await two.ConnectAsync(connect)).ReasonCode.ShouldBe(MqttReasonCode.Success);
        await one.SubscribeAsync("t");
        await two.PublishAsync("t", "x");
        (await one.ReadPublishAsync()).Payload.ShouldBe("x");
        broker.Statistics.Sessions.ShouldBe(2);
        if (version == V500)
        {
            // The name it was given is its own from then on.
            await one.LeaveAsync();
            var again = broker.Open();
            (await again.ConnectAsync(Lasting(answer.Properties!.AssignedClientIdentifier!, version))).SessionPresent.ShouldBeTrue();
        }
    }

    [Theory]
    [InlineData(V311, "", false)]
    [InlineData(V311, null, true)]
    [InlineData(V500, null, true)]
    public async Task A_client_id_that_is_not_taken_is_refused_and_the_connection_closed(MqttProtocolVersion version, string? clientId, bool cleanStart)
    {
        await using var broker = new TestBroker();
        var client = broker.Open();
        var connect = TestBroker.Connect(clientId ?? new string('x', 257), version) with { CleanStart = cleanStart };
        await client.SendAsync(connect.WriteTo);
        var answer = await client.ReadAsync();
        answer.Body[..2].ShouldBe(version == V500 ? [0, 0x85] : [0, 2]);
        (await client.TryReadAsync()).ShouldBeNull();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_refusal_claims_no_session_and_nothing_behind_it_is_heeded(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        var subscriber = await broker.ConnectAsync("s", version);
        await subscriber.SubscribeAsync("t");
        await (await broker.ConnectAsync(Lasting("c", version))).LeaveAsync();
        broker.Access.Authenticate = (_, _) => ValueTask.FromResult(MqttAuthentication.Refuse(MqttReasonCode.NotAuthorized));
        var client = broker.Open();
        await client.SendAsync(output =>
        {
            Lasting("c", version).WriteTo(output);
            client.WritePublish(output, "t", "x");
        });
        var answer = await client.ReadAsync();
        answer.Body[..2].ShouldBe(version == V500 ? [0, 0x87] : [0, 5]);
        (await client.TryReadAsync()).ShouldBeNull();
        await subscriber.ShouldHaveNothingAsync();
    }

    [Fact]
    public async Task A_refusal_code_that_no_connack_may_carry_is_replaced()
    {
        await using var broker = new TestBroker();
        broker.Access.Authenticate = (_, _) => ValueTask.FromResult(MqttAuthentication.Refuse(MqttReasonCode.TopicFilterInvalid));
        (await broker.Open().ConnectAsync(TestBroker.Connect("c"))).ReasonCode.ShouldBe(MqttReasonCode.UnspecifiedError);
        (await broker.Open().ConnectAsync(TestBroker.Connect("c", V311))).ReasonCode.ShouldBe(MqttReasonCode.ServerUnavailable);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task What_a_client_sends_right_behind_its_connect_is_heeded_once_it_is_accepted(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();
        var client = broker.Open();
        await client.SendAsync([.. Connect(version, 0x82, Text("c"), Text("device")), .. Subscribe(version, 1, Text("t"), [0]), .. Raw.Publish(version, 0, Text("t"))]);
        (await client.ReadAsync()).Type.ShouldBe(MqttPacketType.ConnAck);
        (await client.ReadAsync()).Type.ShouldBe(MqttPacketType.SubAck);
        (await client.ReadAsync()).Type.ShouldBe(MqttPacketType.Publish);
        await client.SendAsync(0xC0, 0);
        (await client.ReadAsync()).Type.ShouldBe(MqttPacketType.PingResp);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Only_whole_packets_keep_a_connection_alive(MqttProtocolVersion version)
    {
        await using var broker = new TestBroker();

        // Inline: every byte has been read when the clock moves on.
        var client = broker.Open(PipeScheduler.Inline);
        await client.ConnectAsync(TestBroker.Connect("c", version) with { KeepAlive = 10 });
        var packet = Raw.Publish(version, 0, Text("t"), new string('x', 20));
        for (var i = 0; i < 4; i++)
        {
            await client.SendAsync(packet[i]);
            broker.Clock.Advance(TimeSpan.FromSeconds(4));
        }

        await client.ShouldCloseAsync(MqttReasonCode.KeepAliveTimeout);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task No_response_information_and_no_authentication_is_ever_offered(bool? asked)
    {
        await using var broker = new TestBroker();
        var answer = await broker.Open().ConnectAsync(TestBroker.Connect("c") with { Properties = new MqttProperties { RequestResponseInformation = asked } });
        answer.Properties!.ResponseInformation.ShouldBeNull();
        answer.Properties.AuthenticationMethod.ShouldBeNull();

        // All that a server may leave out is there.
        (answer.Properties.MaximumQoS, answer.Properties.RetainAvailable, answer.Properties.WildcardSubscriptionAvailable).ShouldBe((null, null, null));
        (answer.Properties.SharedSubscriptionAvailable, answer.Properties.SubscriptionIdentifiersAvailable).ShouldBe((null, null));
    }
}
