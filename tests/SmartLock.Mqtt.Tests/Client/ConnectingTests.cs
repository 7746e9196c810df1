using SmartLock.Mqtt.Client;
using SmartLock.Mqtt.Packets;
using SmartLock.Testing;

namespace SmartLock.Mqtt.Tests.Client;

public sealed class ConnectingTests
{
    private const MqttProtocolVersion V311 = MqttProtocolVersion.V311;
    private const MqttProtocolVersion V500 = MqttProtocolVersion.V500;

    [Theory]
    [InlineData(V311)]
    [InlineData(V500)]
    public async Task A_refusal_is_thrown_with_its_reason(MqttProtocolVersion version)
    {
        var broker = new ScriptedBroker { Version = version };
        await using var client = new MqttClient(broker.Options);
        var connecting = client.ConnectAsync();
        var peer = await broker.AcceptAsync();
        await peer.ExpectAsync(MqttPacketType.Connect);
        await peer.SendAsync(o => new ConnAckPacket(false, MqttReasonCode.BadUserNameOrPassword).WriteTo(o, version));
        var refusal = await Should.ThrowAsync<MqttConnectException>(connecting);
        refusal.ReasonCode.ShouldBe(MqttReasonCode.BadUserNameOrPassword);
        refusal.IsTransient.ShouldBeFalse();
        client.IsConnected.ShouldBeFalse();
        await peer.ExpectEndAsync();
    }

    [Fact]
    public async Task The_connect_packet_says_what_the_options_say()
    {
        var broker = new ScriptedBroker();
        var will = new MqttWill("t/will", "gone"u8.ToArray())
        {
            QoS = MqttQoS.AtLeastOnce,
            Retain = true,
            Properties = new MqttProperties { WillDelayInterval = 5, ContentType = "text/plain", UserProperties = [new("a", "b")] },
        };
        await using var client = new MqttClient(broker.Options with
        {
            UserName = "lena",
            Password = "secret",
            KeepAlive = TimeSpan.FromSeconds(30),
            SessionExpiry = TimeSpan.FromMinutes(5),
            ReceiveMaximum = 7,
            MaximumPacketSize = 5_000,
            TopicAliasMaximum = 3,
            Will = will,
        });
        var connecting = client.ConnectAsync();
        var peer = await broker.AcceptAsync();
        var packet = (await peer.ExpectAsync(MqttPacketType.Connect)).AsConnect();
        packet.CleanStart.ShouldBeTrue();
        packet.KeepAlive.ShouldBe((ushort)30);
        packet.ClientId.ShouldBe("device");
        packet.UserName.ShouldBe("lena");
        packet.Password!.Value.ToArray().ShouldBe("secret"u8.ToArray());
        packet.Properties!.SessionExpiryInterval.ShouldBe(300u);
        packet.Properties.ReceiveMaximum.ShouldBe((ushort)7);
        packet.Properties.MaximumPacketSize.ShouldBe(5_000u);
        packet.Properties.TopicAliasMaximum.ShouldBe((ushort)3);
        packet.Will!.Topic.ShouldBe("t/will");
        packet.Will.Payload.ToArray().ShouldBe("gone"u8.ToArray());
        packet.Will.QoS.ShouldBe(MqttQoS.AtLeastOnce);
        packet.Will.Retain.ShouldBeTrue();
        packet.Will.Properties!.WillDelayInterval.ShouldBe(5u);
        packet.Will.Properties.ContentType.ShouldBe("text/plain");
        packet.Will.Properties.UserProperties.ShouldBe([new("a", "b")]);
        peer.Abort();
        await Should.ThrowAsync<MqttConnectException>(connecting);
    }

    [Fact]
    public async Task An_assigned_client_id_is_kept_for_the_next_connection()
    {
        var broker = new ScriptedBroker();
        await using var client = new MqttClient(broker.Options with { ClientId = string.Empty });
        var peer = await broker.ConnectAsync(client, new MqttProperties { AssignedClientIdentifier = "given" });
        client.ClientId.ShouldBe("given");
        var ending = new Ending(client);
        peer.Abort();
        await ending.Task;
        var connecting = client.ConnectAsync();
        var next = await broker.AcceptAsync();
        var packet = (await next.ExpectAsync(MqttPacketType.Connect)).AsConnect();
        packet.ClientId.ShouldBe("given");
        packet.CleanStart.ShouldBeFalse();
        next.Abort();
        await Should.ThrowAsync<MqttConnectException>(connecting);
    }

    [Fact]
    public async Task No_connack_in_time_fails_the_attempt()
    {
        var clock = new FakeClock();
        var broker = new ScriptedBroker();
        await using var client = new MqttClient(broker.Options, time: clock);
        var connecting = client.ConnectAsync();
        var peer = await broker.AcceptAsync();
        await peer.ExpectAsync(MqttPacketType.Connect);
        clock.Advance(TimeSpan.FromSeconds(10));
        var failure = await Should.ThrowAsync<MqttConnectException>(connecting);
        failure.ReasonCode.ShouldBeNull();
        failure.Message.ShouldBe("The broker did not answer in time.");
        await peer.ExpectEndAsync();
    }

    [Fact]
    public async Task Enhanced_authentication_is_refused_in_plain_words()
    {
        var broker = new ScriptedBroker();
        await using var client = new MqttClient(broker.Options);
        var connecting = client.ConnectAsync();
        var peer = await broker.AcceptAsync();
        await peer.ExpectAsync(MqttPacketType.Connect);
        var auth = new AuthPacket(MqttReasonCode.ContinueAuthentication, new MqttProperties { AuthenticationMethod = "SCRAM-SHA-1" });
        await peer.SendAsync(auth.WriteTo);
        var refusal = await Should.ThrowAsync<MqttConnectException>(connecting);
        refusal.ReasonCode.ShouldBe(MqttReasonCode.BadAuthenticationMethod);
        refusal.Message.ShouldContain("enhanced authentication");
    }

    [Theory]
    [InlineData(new byte[] { 0x30, 3, 0, 1, 97 })]
    [InlineData(new byte[] { 0x20, 2, 0, 0 })]
    [InlineData(new byte[] { 0x20, 3, 1, 0, 0 })]
    public async Task A_first_packet_that_is_no_proper_connack_fails_the_attempt(byte[] bytes)
    {
        var broker = new ScriptedBroker();
        await using var client = new MqttClient(broker.Options);
        var connecting = client.ConnectAsync();
        var peer = await broker.AcceptAsync();
        await peer.ExpectAsync(MqttPacketType.Connect);
        await peer.SendRawAsync(bytes);
        await Should.ThrowAsync<MqttConnectException>(connecting);
        await peer.ExpectEndAsync();
    }

    [Fact]
    public async Task What_follows_connack_in_the_same_segment_is_delivered()
    {
        var broker = new ScriptedBroker();
        var inbox = new Inbox();
        await using var client = new MqttClient(broker.Options, inbox.OnMessageAsync);
        var connecting = client.ConnectAsync();
        var peer = await broker.AcceptAsync();
        await peer.ExpectAsync(MqttPacketType.Connect);
        await peer.SendRawAsync([0x20, 3, 0, 0, 0, 0x30, 4, 0, 1, 97, 0]);
        await connecting;
        (await inbox.NextAsync()).Topic.ShouldBe("a");
    }

    [Fact]
    public async Task A_disconnect_says_its_reason_and_an_abort_says_nothing()
    {
        var broker = new ScriptedBroker();
        await using var client = new MqttClient(broker.Options);
        var ending = new Ending(client);
        var peer = await broker.ConnectAsync(client);
        var leaving = client.DisconnectAsync(MqttReasonCode.DisconnectWithWillMessage);
        (await peer.FarewellAsync()).ShouldBe(MqttReasonCode.DisconnectWithWillMessage);
        await ScriptedBroker.InTime(leaving);
        (await ending.Task).Cause.ShouldBe(MqttDisconnectCause.Requested);

        ending = new Ending(client);
        peer = await broker.ConnectAsync(client);
        client.Abort();
        await peer.ExpectEndAsync();
        (await ending.Task).Cause.ShouldBe(MqttDisconnectCause.Aborted);
        client.IsConnected.ShouldBeFalse();
    }

    [Fact]
    public async Task After_an_abort_the_client_can_be_started_again_at_once()
    {
        var broker = new ScriptedBroker();
        await using var client = new MqttClient(broker.Options);
        await client.StartAsync();
        for (var i = 0; i < 5; i++)
        {
            await broker.WelcomeAsync();
            await ScriptedBroker.InTime(client.WaitUntilConnectedAsync());
            client.Abort();
            await client.StartAsync();
        }

        var peer = await broker.WelcomeAsync();
        await ScriptedBroker.InTime(client.WaitUntilConnectedAsync());
        client.Abort();
        await peer.ExpectEndAsync();
    }

    [Fact]
    public async Task A_second_attempt_while_connected_is_an_error()
    {
        var broker = new ScriptedBroker();
        await using var client = new MqttClient(broker.Options);
        var peer = await broker.ConnectAsync(client);
        await Should.ThrowAsync<InvalidOperationException>(() => client.ConnectAsync());
        client.Abort();
        await peer.ExpectEndAsync();
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        var options = new MqttClientOptions();
        MqttClientOptions[] wrong =
        [
            options with { MaxPending = 0 },
            options with { MaxPending = 65_535 },
            options with { KeepAlive = TimeSpan.FromDays(1) },
            options with { ReceiveMaximum = 0 },
            options with { ReconnectMaximum = TimeSpan.FromMilliseconds(1) },
            options with { ProtocolVersion = V311, Password = "p" },
            options with { Will = new MqttWill("a/#", default) },
            options with { ProtocolVersion = MqttProtocolVersion.Unknown },
        ];
        foreach (var one in wrong)
        {
            Should.Throw<ArgumentException>(() => new MqttClient(one));
        }
    }

    [Fact]
    public void The_password_is_never_printed()
    {
        var options = new MqttClientOptions { UserName = "lena", Password = "hunter2" };
        options.ToString().ShouldContain("lena");
        options.ToString().ShouldContain("Password = ***");
        options.ToString().ShouldNotContain("hunter2");
    }
}
