using System.Globalization;
using System.Net;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Client;
using SmartLock.Server.Messaging;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Messaging.Brokers;

/// <summary>What the server relies on in a client of an outside broker, shown against a stock mosquitto.</summary>
public abstract partial class BrokerClientContract
{
    private const int V311 = 4;
    private const int V5 = 5;
    private const int PubAck = 4;
    private const string Statuses = "smartlock/status/#";
    private const string SharedStatuses = "$share/smartlock/" + Statuses;
    private const string Events = "smartlock/events";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private protected abstract IBrokerClient Create(MqttOptions options, TimeProvider time);

    [Theory]
    [InlineData(V311, Statuses)]
    [InlineData(V5, SharedStatuses)]
    public async Task Each_subscription_hears_its_own_topics(int version, string statuses)
    {
        await using var broker = await StartBrokerAsync();
        await using var listener = await ListenAsync(Options(broker.Port, version), statuses, Events);
        await Eventually.TrueAsync(() => listener.Granted == 2, "both subscriptions are granted");

        await using var sender = await ConnectAsync(broker);
        await SendAsync(sender, "smartlock/status", "shared topic");
        await SendAsync(sender, "smartlock/status/ESP32-A", "own topic");
        (await PublishAsync(listener.Client, Events, "event")).ShouldBe(HandOver.Delivered);

        await Eventually.TrueAsync(() => listener.Count == 3, "all are heard");
        listener.Heard.Where(m => m.Filter == statuses).Select(m => m.Payload).ShouldBe(["shared topic", "own topic"]);
        listener.Heard.Single(m => m.Filter == Events).ShouldBe((Events, Events, "event"));
    }

    [Theory]
    [InlineData(V311, Statuses)]
    [InlineData(V5, SharedStatuses)]
    public async Task A_broker_that_comes_back_is_found_again(int version, string statuses)
    {
        await using var broker = await StartBrokerAsync();
        await using var listener = await ListenAsync(Options(broker.Port, version), statuses);
        await Eventually.TrueAsync(() => listener.Granted == 1, "it listens");

        await broker.KillAsync();
        await Eventually.TrueAsync(() => listener.Retries.Count >= 3, "it tries again and again");
        (listener.Losses, listener.Goodbyes).ShouldBe((1, 0));
        listener.Client.IsConnected.ShouldBeFalse();
        (await PublishAsync(listener.Client, Events, "nobody is there")).ShouldBe(HandOver.NotSent);

        // Of each step a random half is waited, and a step is twice the one before: so every second one is surely longer.
        listener.Retries[2].ShouldBeGreaterThan(listener.Retries[0]);
        listener.Retries.ShouldAllBe(r => r > TimeSpan.Zero && r <= BrokerClientLimits.ReconnectMaximum);

        await broker.StartAsync();
        await Eventually.TrueAsync(() => listener.Granted >= 2, "it listens again");
        await using var sender = await ConnectAsync(broker);
        await SendAsync(sender, "smartlock/status", "back");
        await Eventually.TrueAsync(() => listener.Count == 1, "it hears again");
    }

    [Fact]
    public async Task Two_replicas_share_the_statuses_and_both_hear_the_events()
    {
        await using var broker = await StartBrokerAsync();
        await using var first = await ListenAsync(Options(broker.Port), SharedStatuses, Events);
        await using var second = await ListenAsync(Options(broker.Port), SharedStatuses, Events);
        await Eventually.TrueAsync(() => first.Granted == 2 && second.Granted == 2, "both listen");

        await using var sender = await ConnectAsync(broker);
        for (var i = 0; i < 100; i++)
        {
            await SendAsync(sender, $"smartlock/status/ESP32-{i}", Text(i));
        }

        await SendAsync(sender, Events, "for both");
        await Eventually.TrueAsync(() => first.Count + second.Count == 102, "all are heard");
        foreach (var replica in (Listener[])[first, second])
        {
            replica.Heard.Count(m => m.Filter == Events).ShouldBe(1);
            replica.Count.ShouldBeGreaterThan(10);
        }
    }

    [Fact]
    public async Task Over_tls_it_trusts_the_named_authority_only()
    {
        await using var broker = await StartBrokerAsync();
        using var stranger = new TestAuthority();
        var strangersFile = Path.GetTempFileName();
        await File.WriteAllTextAsync(strangersFile, stranger.Pem);
        await using var trusted = await ListenAsync(Tls(broker.TlsPort, broker.CertificateAuthorityFile), Events);
        await using var untrusted = await ListenAsync(Tls(broker.TlsPort, strangersFile), Events);
        await using var systems = await ListenAsync(Tls(broker.TlsPort, null), Events);

        await Eventually.TrueAsync(() => trusted.Granted == 1, "the right authority");
        await Eventually.TrueAsync(() => untrusted.Reasons.Count > 0 && systems.Reasons.Count > 0, "the wrong ones");
        untrusted.Client.IsConnected.ShouldBeFalse();
        systems.Client.IsConnected.ShouldBeFalse();
        File.Delete(strangersFile);
    }

    [Fact]
    public async Task Over_tls_the_certificate_must_bear_the_brokers_name()
    {
        await using var broker = await StartBrokerAsync();
        await using var cable = new Cable(broker.TlsPort, IPAddress.Parse("127.0.0.2"));
        var options = Tls(cable.Port, broker.CertificateAuthorityFile);
        options.Host = "127.0.0.2";
        await using var listener = await ListenAsync(options, Events);

        await Eventually.TrueAsync(() => listener.Reasons.Count > 0, "it refuses");
        listener.Client.IsConnected.ShouldBeFalse();
    }

    [Theory]
    [InlineData(V311)]
    [InlineData(V5)]
    public async Task It_signs_in_and_says_it_when_it_may_not(int version)
    {
        const string Wrong = "not the password of the test";
        await using var broker = await StartBrokerAsync();
        await using var welcome = await ListenAsync(WithPassword(broker, version, Mosquitto.Password), Events);
        await using var refused = await ListenAsync(WithPassword(broker, version, Wrong), Events);

        await Eventually.TrueAsync(() => welcome.Granted == 1, "the right password");
        await Eventually.TrueAsync(() => refused.Reasons.Count > 0, "the wrong one");
        refused.Client.IsConnected.ShouldBeFalse();
        refused.Reasons.ShouldAllBe(r => !r.Contains(Wrong, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(V311)]
    [InlineData(V5)]
    public async Task A_broker_that_has_frozen_is_given_up(int version)
    {
        var clock = new FakeClock(TimeProvider.System.GetUtcNow());
        await using var broker = await StartBrokerAsync();
        await using var cable = new Cable(broker.Port);
        await using var listener = await ListenAsync(Options(cable.Port, version), clock, Events);
        await Eventually.TrueAsync(() => listener.Granted == 1, "it listens");

        cable.Freeze();
        var first = PublishAsync(listener.Client, Events, "frozen");
        clock.Advance(BrokerClientLimits.HandOverWithin);
        (await first.WaitAsync(Patience)).ShouldBe(HandOver.Unknown);
        await Eventually.TrueAsync(
            async () =>
            {
                var next = PublishAsync(listener.Client, Events, "frozen");
                clock.Advance(BrokerClientLimits.HandOverWithin);
                return await next.WaitAsync(Patience) is HandOver.NotSent;
            },
            "it is given up");

        cable.Cut();
        cable.Thaw();
        await Eventually.TrueAsync(
            () =>
            {
                // Not faster: what connects now has its time limits on this clock, and the broker answers on a real one.
                clock.Advance(TimeSpan.FromMilliseconds(100));
                return listener.Granted >= 2;
            },
            "it is found again");
    }

    [Fact]
    public async Task A_caller_that_gives_up_leaves_the_link_alive()
    {
        await using var broker = await StartBrokerAsync();
        await using var cable = new Cable(broker.Port);
        await using var listener = await ListenAsync(Options(cable.Port), Events);
        await Eventually.TrueAsync(() => listener.Granted == 1, "it listens");
        using var caller = new CancellationTokenSource();

        cable.Freeze();
        var sending = listener.Client.PublishAsync(Events, "held up"u8.ToArray(), 60, caller.Token);
        await caller.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(sending.AsTask().WaitAsync(Patience));

        cable.Thaw();
        (await PublishAsync(listener.Client, Events, "after")).ShouldBe(HandOver.Delivered);
        listener.Losses.ShouldBe(0);
    }

    [Fact]
    public async Task What_is_handled_too_slowly_fills_no_memory()
    {
        const int Flood = BrokerClientLimits.ReceiveQueueLimit + 20_000;
        await using var broker = await StartBrokerAsync();
        await using var listener = await ListenAsync(Options(broker.Port), SharedStatuses);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        listener.Handling = _ => gate.Task;
        await Eventually.TrueAsync(() => listener.Granted == 1, "it listens");

        await using var sender = await ConnectAsync(broker);
        for (var i = 0; i < Flood; i++)
        {
            (await sender.PublishAsync("smartlock/status", "flood"u8.ToArray())).IsDelivered.ShouldBeTrue();
        }

        await SendAsync(sender, "smartlock/status", "surely");

        // Its own answer comes behind the flood: by then all of that has arrived.
        (await PublishAsync(listener.Client, Events, "fence")).ShouldBe(HandOver.Delivered);
        gate.SetResult();
        await Eventually.TrueAsync(() => listener.Heard.Any(m => m.Payload == "surely"), "the one of QoS 1 is heard");
        listener.Count.ShouldBeInRange(1_000, Flood - 1);
        listener.Losses.ShouldBe(0);
    }

    [Fact]
    public async Task A_handler_that_fails_does_not_end_the_hearing()
    {
        await using var broker = await StartBrokerAsync();
        await using var listener = await ListenAsync(Options(broker.Port), Statuses);
        listener.Handling = payload => payload == "bad" ? throw new InvalidOperationException(payload) : Task.CompletedTask;
        await Eventually.TrueAsync(() => listener.Granted == 1, "it listens");

        await using var sender = await ConnectAsync(broker);
        await SendAsync(sender, "smartlock/status", "bad");
        await SendAsync(sender, "smartlock/status", "good");

        await Eventually.TrueAsync(() => listener.Count == 1, "the good one is heard");
        listener.Losses.ShouldBe(0);
    }

    [Theory]
    [InlineData(V311)]
    [InlineData(V5)]
    public async Task A_stop_handles_and_acknowledges_what_has_come(int version)
    {
        const int All = 15;
        await using var broker = await StartBrokerAsync();
        await using var cable = new Cable(broker.Port);
        await using var listener = await ListenAsync(Options(cable.Port, version), Statuses);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handling = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        listener.Handling = _ =>
        {
            handling.TrySetResult();
            return gate.Task;
        };
        await Eventually.TrueAsync(() => listener.Granted == 1, "it listens");

        // Fewer than mosquitto sends unacknowledged, so all are on the client's side when its answer comes.
        await using var sender = await ConnectAsync(broker);
        await SendAllAsync(sender, All);
        await handling.Task.WaitAsync(Patience);
        (await PublishAsync(listener.Client, Events, "fence")).ShouldBe(HandOver.Delivered);
        cable.Sent(PubAck).ShouldBe(0, "nothing is acknowledged that is not handled");

        var stopping = listener.Client.StopAsync(CancellationToken.None);
        gate.SetResult();
        await stopping.WaitAsync(Patience);

        listener.Count.ShouldBe(All);
        cable.Sent(PubAck).ShouldBe(All);
        (listener.Losses, listener.Goodbyes).ShouldBe((0, 1), listener.Causes);
        listener.Client.IsConnected.ShouldBeFalse();
        (await PublishAsync(listener.Client, Events, "late")).ShouldBe(HandOver.NotSent);
        (await listener.Client.SubscribeAsync(new BrokerSubscription(Events, (_, _) => ValueTask.CompletedTask), default)).Outcome.ShouldBe(SubscribeOutcome.NotConnected);
    }

    private static MqttOptions Options(int port, int version = V5) =>
        new() { Mode = MqttMode.External, Host = "127.0.0.1", Port = port, ProtocolVersion = version };

    private static MqttOptions Tls(int port, string? authorityFile)
    {
        var options = Options(port);
        options.Tls = true;
        options.CaFile = authorityFile;
        return options;
    }

    private static MqttOptions WithPassword(Mosquitto broker, int version, string password)
    {
        var options = Options(broker.PasswordPort, version);
        options.UserName = Mosquitto.UserName;
        options.Password = password;
        return options;
    }

    private static async Task<Mosquitto> StartBrokerAsync()
    {
        Assert.SkipWhen(Mosquitto.Executable is null, "mosquitto is not installed");
        return await Mosquitto.StartNewAsync();
    }

    private static async Task<MqttClient> ConnectAsync(Mosquitto broker)
    {
        var client = new MqttClient(new MqttClientOptions { Host = "127.0.0.1", Port = broker.Port, ClientId = "sender" });
        await client.ConnectAsync();
        return client;
    }

    private static async Task SendAsync(MqttClient sender, string topic, string payload) =>
        (await sender.PublishAsync(topic, System.Text.Encoding.UTF8.GetBytes(payload), MqttQoS.AtLeastOnce)).IsDelivered.ShouldBeTrue();

    private static async Task SendAllAsync(MqttClient sender, int count)
    {
        for (var i = 0; i < count; i++)
        {
            await SendAsync(sender, "smartlock/status", Text(i));
        }
    }

    private static Task<HandOver> PublishAsync(IBrokerClient client, string topic, string payload) =>
        client.PublishAsync(topic, System.Text.Encoding.UTF8.GetBytes(payload), 60, CancellationToken.None).AsTask();

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private Task<Listener> ListenAsync(MqttOptions options, params IReadOnlyList<string> filters) =>
        ListenAsync(options, TimeProvider.System, filters);

    private Task<Listener> ListenAsync(MqttOptions options, TimeProvider time, params IReadOnlyList<string> filters) =>
        new Listener(Create(options, time), filters).StartAsync();
}
