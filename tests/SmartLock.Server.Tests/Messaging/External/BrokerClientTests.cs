using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using SmartLock.Mqtt;
using SmartLock.Server.Messaging;
using SmartLock.Server.Messaging.External;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Messaging.External;

/// <summary>The client of an outside broker against a stock mosquitto.</summary>
public sealed partial class BrokerClientTests
{
    private const int V311 = 4;
    private const int V5 = 5;
    private const int PubAck = 4;
    private const int Disconnect = 14;
    private const string Statuses = "smartlock/status/#";
    private const string SharedStatuses = "$share/smartlock/" + Statuses;
    private const string Events = "smartlock/events";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(V311, Statuses)]
    [InlineData(V5, SharedStatuses)]
    public async Task Each_subscription_receives_its_own_topics(int version, string statuses)
    {
        await using var broker = await StartBrokerAsync();
        await using var listener = await ListenAsync(Options(broker.Port, version), statuses, Events);
        await Eventually.TrueAsync(() => listener.Granted == 2, "both subscriptions are granted");

        await using var sender = await ConnectAsync(broker);
        await SendAsync(sender, "smartlock/status", "shared topic");
        await SendAsync(sender, "smartlock/status/ESP32-A", "own topic");
        (await PublishAsync(listener.Client, Events, "event")).ShouldBe(PublishResult.Delivered);

        await Eventually.TrueAsync(() => listener.Count == 3, "all are received");
        listener.Received.Where(m => m.Filter == statuses).Select(m => m.Payload).ShouldBe(["shared topic", "own topic"]);
        listener.Received.Single(m => m.Filter == Events).ShouldBe((Events, Events, "event"));
    }

    [Theory]
    [InlineData(V311, Statuses)]
    [InlineData(V5, SharedStatuses)]
    public async Task It_reconnects_and_receives_again_when_the_broker_is_back(int version, string statuses)
    {
        await using var broker = await StartBrokerAsync();
        await using var listener = await ListenAsync(Options(broker.Port, version), statuses);
        await Eventually.TrueAsync(() => listener.Granted == 1, "the subscription is granted");

        await broker.KillAsync();
        await Eventually.TrueAsync(() => listener.Retries.Count >= 3, "it tries again and again");
        (listener.Losses, listener.RequestedEnds).ShouldBe((1, 0));
        listener.Client.IsConnected.ShouldBeFalse();
        (await PublishAsync(listener.Client, Events, "there is no broker")).ShouldBe(PublishResult.NotSent);

        // A delay is between half a step and a whole one, and each step is twice the one before: so the third is surely longer than the first.
        listener.Retries[2].ShouldBeGreaterThan(listener.Retries[0]);
        listener.Retries.ShouldAllBe(r => r > TimeSpan.Zero && r <= BrokerClientLimits.ReconnectMaximum);

        await broker.StartAsync();
        await Eventually.TrueAsync(() => listener.Granted >= 2, "the subscription is granted again");
        await using var sender = await ConnectAsync(broker);
        await SendAsync(sender, "smartlock/status", "back");
        await Eventually.TrueAsync(() => listener.Count == 1, "the message is received");
    }

    [Fact]
    public async Task Two_replicas_share_the_statuses_and_both_receive_the_events()
    {
        await using var broker = await StartBrokerAsync();
        await using var first = await ListenAsync(Options(broker.Port), SharedStatuses, Events);
        await using var second = await ListenAsync(Options(broker.Port), SharedStatuses, Events);
        await Eventually.TrueAsync(() => first.Granted == 2 && second.Granted == 2, "all subscriptions are granted");

        await using var sender = await ConnectAsync(broker);
        for (var i = 0; i < 100; i++)
        {
            await SendAsync(sender, $"smartlock/status/ESP32-{i}", Text(i));
        }

        await SendAsync(sender, Events, "for both");
        await Eventually.TrueAsync(() => first.Count + second.Count == 102, "all are received");
        foreach (var replica in (Listener[])[first, second])
        {
            replica.Received.Count(m => m.Filter == Events).ShouldBe(1);
            replica.Count.ShouldBeGreaterThan(10);
        }
    }

    private static MqttOptions Options(int port, int version = V5) =>
        new() { Mode = MqttMode.External, Host = "127.0.0.1", Port = port, ProtocolVersion = version };

    private static async Task<Mosquitto> StartBrokerAsync()
    {
        Assert.SkipWhen(Mosquitto.Executable is null, "mosquitto is not installed");
        return await Mosquitto.StartNewAsync();
    }

    private static async Task<TestMqttClient> ConnectAsync(Mosquitto broker)
    {
        var client = new TestMqttClient(broker.Port, o => o.WithClientId("sender"));
        await client.ConnectAsync();
        return client;
    }

    private static async Task SendAsync(TestMqttClient sender, string topic, string payload) =>
        (await sender.PublishAsync(topic, payload)).IsFailure().ShouldBeFalse();

    private static async Task SendAllAsync(TestMqttClient sender, int count)
    {
        for (var i = 0; i < count; i++)
        {
            await SendAsync(sender, "smartlock/status", Text(i));
        }
    }

    private static Task<PublishResult> PublishAsync(BrokerClient client, string topic, string payload) =>
        client.PublishAsync(topic, System.Text.Encoding.UTF8.GetBytes(payload), 60, CancellationToken.None).AsTask();

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static Task<Listener> ListenAsync(MqttOptions options, params IReadOnlyList<string> filters) =>
        ListenAsync(options, TimeProvider.System, filters);

    private static Task<Listener> ListenAsync(MqttOptions options, TimeProvider time, params IReadOnlyList<string> filters)
    {
        var client = new BrokerClient(Microsoft.Extensions.Options.Options.Create(options), time, NullLogger<BrokerClient>.Instance);
        return new Listener(client, filters).StartAsync();
    }
}
