using System.Text;
using SmartLock.Mqtt.Client;
using SmartLock.Testing;

namespace SmartLock.Mqtt.Tests.Client;

public sealed class MosquittoTests(MosquittoBroker broker) : IClassFixture<MosquittoBroker>
{
    private const MqttProtocolVersion V311 = MqttProtocolVersion.V311;
    private const MqttProtocolVersion V500 = MqttProtocolVersion.V500;

    private readonly Inbox _inbox = new();
    private readonly string _topic = $"t/{Guid.NewGuid():N}";

    [Theory]
    [InlineData(V311, MqttQoS.AtMostOnce)]
    [InlineData(V311, MqttQoS.AtLeastOnce)]
    [InlineData(V311, MqttQoS.ExactlyOnce)]
    [InlineData(V500, MqttQoS.AtMostOnce)]
    [InlineData(V500, MqttQoS.AtLeastOnce)]
    [InlineData(V500, MqttQoS.ExactlyOnce)]
    public async Task A_thousand_messages_arrive_in_order(MqttProtocolVersion version, MqttQoS qos)
    {
        await using var client = await ConnectAsync(Options(version));
        ((int)await client.SubscribeAsync(_topic, qos)).ShouldBe((int)qos);
        var publishes = new List<Task<MqttPublishResult>>();
        for (var i = 0; i < 1_000; i++)
        {
            publishes.Add(client.PublishAsync(_topic, Encoding.UTF8.GetBytes($"{i}"), qos).AsTask());
        }

        (await Task.WhenAll(publishes)).ShouldAllBe(r => r.IsDelivered);
        for (var i = 0; i < 1_000; i++)
        {
            var message = await _inbox.NextAsync();
            Encoding.UTF8.GetString(message.Payload.Span).ShouldBe($"{i}");
            message.Topic.ShouldBe(_topic);
            message.QoS.ShouldBe(qos);
        }
    }

    [Theory]
    [InlineData(V311)]
    [InlineData(V500)]
    public async Task A_retained_message_is_sent_to_a_later_subscriber(MqttProtocolVersion version)
    {
        await using var publisher = await ConnectAsync(Options(version));
        await publisher.PublishAsync(_topic, "kept"u8.ToArray(), MqttQoS.AtLeastOnce, retain: true);
        await using var client = await ConnectAsync(Options(version));
        await client.SubscribeAsync(_topic, MqttQoS.AtLeastOnce);
        (await _inbox.NextAsync()).Retain.ShouldBeTrue();
        await publisher.PublishAsync(_topic, default, MqttQoS.AtLeastOnce, retain: true);
        (await _inbox.NextAsync()).Payload.Length.ShouldBe(0);
    }

    [Theory]
    [InlineData(V311)]
    [InlineData(V500)]
    public async Task An_abort_sets_off_the_will_and_a_disconnect_does_not(MqttProtocolVersion version)
    {
        await using var watcher = await ConnectAsync(Options(version));
        await watcher.SubscribeAsync(_topic, MqttQoS.AtLeastOnce);
        var options = Options(version) with
        {
            Will = new MqttWill(_topic, "gone"u8.ToArray()) { QoS = MqttQoS.AtLeastOnce },
        };
        await using var polite = await ConnectAsync(options);
        await polite.DisconnectAsync();
        await using var cut = await ConnectAsync(options with { Will = options.Will with { Payload = "cut"u8.ToArray() } });
        cut.Abort();
        Encoding.UTF8.GetString((await _inbox.NextAsync()).Payload.Span).ShouldBe("cut");
        _inbox.IsEmpty.ShouldBeTrue();
    }

    [Theory]
    [InlineData(V311)]
    [InlineData(V500)]
    public async Task A_shared_subscription_gives_each_message_to_one_member(MqttProtocolVersion version)
    {
        await using var first = await ConnectAsync(Options(version));
        await using var second = await ConnectAsync(Options(version));
        await first.SubscribeAsync($"$share/g/{_topic}", MqttQoS.AtLeastOnce);
        await second.SubscribeAsync($"$share/g/{_topic}", MqttQoS.AtLeastOnce);
        for (var i = 0; i < 20; i++)
        {
            (await first.PublishAsync(_topic, new byte[] { (byte)i }, MqttQoS.AtLeastOnce)).IsDelivered.ShouldBeTrue();
        }

        var seen = new HashSet<byte>();
        for (var i = 0; i < 20; i++)
        {
            seen.Add((await _inbox.NextAsync()).Payload.Span[0]).ShouldBeTrue();
        }
    }

    [Fact]
    public async Task Properties_travel_and_aliases_resolve()
    {
        await using var client = await ConnectAsync(Options(V500));
        var identifier = new MqttProperties { SubscriptionIdentifiers = [42] };
        await client.SubscribeAsync([new MqttSubscription(_topic, MqttQoS.ExactlyOnce)], identifier);
        for (var i = 0; i < 3; i++)
        {
            var properties = new MqttProperties
            {
                ContentType = "application/json",
                ResponseTopic = "reply/here",
                CorrelationData = new byte[] { 1, 2, 3 },
                MessageExpiryInterval = 100,
                PayloadFormatIndicator = 1,
                UserProperties = [new("a", "1"), new("a", "2")],
            };
            await client.PublishAsync(_topic, "{}"u8.ToArray(), MqttQoS.ExactlyOnce, properties: properties);
            var message = await _inbox.NextAsync();
            message.Topic.ShouldBe(_topic);
            message.Properties!.ContentType.ShouldBe("application/json");
            message.Properties.ResponseTopic.ShouldBe("reply/here");
            message.Properties.CorrelationData!.Value.ToArray().ShouldBe([1, 2, 3]);
            message.Properties.SubscriptionIdentifiers.ShouldBe([42u]);
            message.Properties.UserProperties.ShouldBe([new("a", "1"), new("a", "2")]);
        }
    }

    [Theory]
    [InlineData(V311)]
    [InlineData(V500)]
    public async Task A_wrong_password_is_refused_and_the_right_one_is_not(MqttProtocolVersion version)
    {
        var options = Options(version) with { Port = broker.PasswordPort, UserName = Mosquitto.UserName };
        var refusal = await Should.ThrowAsync<MqttConnectException>(() => ConnectAsync(options with { Password = "wrong" }));
        refusal.ReasonCode.ShouldBe(MqttReasonCode.NotAuthorized);
        await using var client = await ConnectAsync(options with { Password = Mosquitto.Password });
        client.IsConnected.ShouldBeTrue();
    }

    [Fact]
    public async Task Tls_trusts_the_named_authority_only()
    {
        var options = Options(V500) with { Port = broker.TlsPort, Host = "localhost" };
        var trusting = new MqttTlsOptions { CertificateAuthorityFile = broker.CertificateAuthorityFile };
        var untrusted = await Should.ThrowAsync<MqttConnectException>(() => ConnectAsync(options with { Tls = new MqttTlsOptions() }));
        untrusted.InnerException.ShouldBeOfType<System.Security.Authentication.AuthenticationException>();
        var misnamed = options with { Tls = trusting with { TargetHost = "elsewhere" } };
        await Should.ThrowAsync<MqttConnectException>(() => ConnectAsync(misnamed));

        await using var client = await ConnectAsync(options with { Tls = trusting });
        await client.SubscribeAsync(_topic, MqttQoS.AtLeastOnce);
        var payload = new byte[100_000];
        Random.Shared.NextBytes(payload);
        (await client.PublishAsync(_topic, payload, MqttQoS.AtLeastOnce)).IsDelivered.ShouldBeTrue();
        (await _inbox.NextAsync()).Payload.ToArray().ShouldBe(payload);
    }

    [Theory]
    [InlineData(V311)]
    [InlineData(V500)]
    public async Task After_a_cut_cable_it_reconnects_and_messages_flow_again(MqttProtocolVersion version)
    {
        var options = Options(version) with { ReconnectMinimum = TimeSpan.FromMilliseconds(20) };
        await using var client = Create(options);
        await client.StartAsync();
        await client.SubscribeAsync(_topic, MqttQoS.AtLeastOnce);
        for (var i = 0; i < 5; i++)
        {
            var lost = new TaskCompletionSource();
            client.Disconnected += (_, _) => lost.TrySetResult();
            client.DropConnection();
            await lost.Task.WaitAsync(TimeSpan.FromSeconds(10));
            (await client.PublishAsync(_topic, new[] { (byte)i }, MqttQoS.AtLeastOnce)).IsDelivered.ShouldBeTrue();
            (await _inbox.NextAsync()).Payload.Span[0].ShouldBe((byte)i);
        }
    }

    [Fact]
    public async Task A_session_that_outlives_its_connection_keeps_what_came_meanwhile()
    {
        var options = Options(V500) with { SessionExpiry = TimeSpan.FromMinutes(1), ClientId = $"keep-{Guid.NewGuid():N}" };
        await using var client = await ConnectAsync(options);
        await client.SubscribeAsync(_topic, MqttQoS.AtLeastOnce);
        await client.DisconnectAsync();
        await using var publisher = await ConnectAsync(Options(V311));
        await publisher.PublishAsync(_topic, "meanwhile"u8.ToArray(), MqttQoS.AtLeastOnce);
        (await client.ConnectAsync()).SessionPresent.ShouldBeTrue();
        Encoding.UTF8.GetString((await _inbox.NextAsync()).Payload.Span).ShouldBe("meanwhile");
    }

    [Fact]
    public async Task Unsubscribing_says_whether_there_was_a_subscription()
    {
        await using var client = await ConnectAsync(Options(V500));
        await client.SubscribeAsync("a/b");
        var codes = await client.UnsubscribeAsync(["a/b", "a/c"]);
        codes.ShouldBe([MqttReasonCode.Success, MqttReasonCode.NoSubscriptionExisted]);
    }

    private MqttClientOptions Options(MqttProtocolVersion version)
    {
        if (!broker.IsRunning)
        {
            Assert.Skip("mosquitto is not installed");
        }

        return new MqttClientOptions
        {
            Host = "127.0.0.1",
            Port = broker.Port,
            ProtocolVersion = version,
            ClientId = $"test-{Guid.NewGuid():N}"[..23],
        };
    }

    private MqttClient Create(MqttClientOptions options) => new(options, _inbox.OnMessageAsync);

    private async Task<MqttClient> ConnectAsync(MqttClientOptions options)
    {
        var client = Create(options);
        try
        {
            await client.ConnectAsync();
            return client;
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }
    }
}
