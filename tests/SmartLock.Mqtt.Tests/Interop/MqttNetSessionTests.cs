using System.Text;
using System.Threading.Channels;
using MQTTnet;
using MQTTnet.Protocol;
using SmartLock.Mqtt.Broker;

namespace SmartLock.Mqtt.Tests.Interop;

/// <summary>Connections and sessions of MQTTnet's client at the broker.</summary>
public sealed class MqttNetSessionTests(InteropBroker broker) : IClassFixture<InteropBroker>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly string _topic = $"t/{Guid.NewGuid():N}";

    [Theory]
    [MemberData(nameof(MqttNetMessageTests.Versions), MemberType = typeof(MqttNetMessageTests))]
    public async Task Messages_published_while_the_client_is_away_arrive_when_it_returns(MqttProtocolVersion version)
    {
        var lasting = MqttNetPeer.Options(broker, version).WithCleanStart(false);
        if (version == MqttProtocolVersion.V500)
        {
            lasting = lasting.WithSessionExpiryInterval(300);
        }

        using (var first = await MqttNetPeer.ConnectAsync(lasting))
        {
            await first.SubscribeAsync(_topic, MqttQoS.AtLeastOnce);
            // MQTTnet's default for DISCONNECT is an expiry of 0, which ends the session.
            await first.Client.DisconnectAsync(new MqttClientDisconnectOptions { SessionExpiryInterval = 300 }).WaitAsync(Patience);
        }

        await SmartLock.Testing.Eventually.TrueAsync(() => !broker.Broker.IsConnected(InteropBroker.UserName), "the client has left");
        for (var i = 0; i < 100; i++)
        {
            broker.Broker.Publish(_topic, Encoding.UTF8.GetBytes($"{i}"), MqttQoS.AtLeastOnce).ShouldBe(1);
        }

        using var second = await MqttNetPeer.ConnectAsync(lasting, resumes: true);
        for (var i = 0; i < 100; i++)
        {
            (await second.NextTextAsync()).ShouldBe((_topic, $"{i}", MqttQoS.AtLeastOnce));
        }
    }

    [Theory]
    [MemberData(nameof(MqttNetMessageTests.Versions), MemberType = typeof(MqttNetMessageTests))]
    public async Task The_will_is_published_after_a_lost_connection_and_not_after_a_disconnect(MqttProtocolVersion version)
    {
        var seen = Channel.CreateUnbounded<string>();
        using var watching = broker.Broker.Subscribe(_topic, (in InboundMessage m) =>
            seen.Writer.TryWrite($"{Encoding.UTF8.GetString(m.Payload)} {m.QoS}").ShouldBeTrue());
        var options = MqttNetPeer.Options(broker, version).WithWillTopic(_topic).WithWillQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce);
        using var polite = await MqttNetPeer.ConnectAsync(options.WithWillPayload("polite"));
        await polite.LeaveAsync();
        using (await MqttNetPeer.ConnectAsync(options.WithWillPayload("lost")))
        {
        }

        (await seen.Reader.ReadAsync().AsTask().WaitAsync(Patience)).ShouldBe("lost AtLeastOnce");
        seen.Reader.Count.ShouldBe(0);
    }

    [Theory]
    [MemberData(nameof(MqttNetMessageTests.Versions), MemberType = typeof(MqttNetMessageTests))]
    public async Task A_wrong_password_is_refused(MqttProtocolVersion version)
    {
        using var peer = new MqttNetPeer();
        var answer = await peer.OpenAsync(MqttNetPeer.Options(broker, version).WithCredentials(InteropBroker.UserName, "wrong"));
        answer.ResultCode.ShouldBe(MqttClientConnectResultCode.BadUserNameOrPassword);
        peer.Client.IsConnected.ShouldBeFalse();
    }

    [Fact]
    public async Task A_client_without_an_id_is_given_one()
    {
        using var peer = new MqttNetPeer();
        (await peer.OpenAsync(MqttNetPeer.Options(broker, MqttProtocolVersion.V500).WithClientId(""))).AssignedClientIdentifier.ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public async Task A_client_is_told_that_its_session_was_taken_over()
    {
        var options = MqttNetPeer.Options(broker, MqttProtocolVersion.V500);
        using var old = await MqttNetPeer.ConnectAsync(options);
        using var young = await MqttNetPeer.ConnectAsync(options);
        (await old.Ended).ShouldBe(MqttClientDisconnectReason.SessionTakenOver);
        await young.SubscribeAsync(_topic, MqttQoS.AtLeastOnce);
    }

    [Fact]
    public async Task Unsubscribing_says_whether_there_was_a_subscription()
    {
        using var client = await MqttNetPeer.ConnectAsync(MqttNetPeer.Options(broker, MqttProtocolVersion.V500));
        await client.SubscribeAsync($"{_topic}/b", MqttQoS.AtMostOnce);
        var unsubscribe = new MqttClientUnsubscribeOptions { TopicFilters = [$"{_topic}/b", $"{_topic}/c"] };
        var answer = await client.Client.UnsubscribeAsync(unsubscribe).WaitAsync(Patience);
        answer.Items.Select(i => i.ResultCode).ShouldBe([MqttClientUnsubscribeResultCode.Success, MqttClientUnsubscribeResultCode.NoSubscriptionExisted]);
        broker.Broker.Publish($"{_topic}/b", "nobody"u8).ShouldBe(0);
    }
}
