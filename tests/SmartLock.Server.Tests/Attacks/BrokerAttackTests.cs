using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Broker;
using SmartLock.Server.Messaging;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Attacks;

/// <summary>What the embedded broker lets a login do, and what a client can break that does not keep to the protocol.</summary>
public sealed class BrokerAttackTests
{
    [Fact]
    public async Task A_device_may_listen_to_nothing_but_its_own_commands()
    {
        await using var siege = await StatusSiege.StartAsync();
        var id = siege.Victim.DeviceId;
        string[] filters =
        [
            "#", "+", "smartlock/#", "smartlock/+/+", "smartlock/commands/#", "smartlock/commands/+", Topics.CommandsOf(id), $"+/commands/{id}",
            $"$share/x/{Topics.CommandsOf(id)}", "$share/x/smartlock/#", "smartlock/status", "smartlock/status/#",
            Topics.StatusOf(id), Topics.StatusOf(StatusSiege.MalloryId), "$SYS/#", "/smartlock/commands", "smartlock/commands/",
        ];

        foreach (var filter in filters)
        {
            (await siege.Mallory.SubscribeAsync(filter)).ShouldBe(MqttReasonCode.NotAuthorized, filter);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task On_the_shared_topic_a_device_neither_hears_nor_takes_away_anybody_elses_commands(bool ownTopics)
    {
        await using var app = await TestApp.StartAsync();
        await using var door = await Door.OpenAsync(app, await app.OwnerAsync(), adjust: o => o with { OwnTopics = ownTopics });
        await using var other = await Door.NewAsync(await app.OwnerAsync(), Door.BrokerOf(app), StatusSiege.MalloryId);
        var reported = new ConcurrentQueue<TestMqttMessage>();
        await using var mallory = Login.Client(app, other.DeviceId, Signatures.MqttPassword(other.Key, other.DeviceId), onMessage: reported.Enqueue);
        await mallory.ConnectAsync();
        (await mallory.SubscribeAsync(Topics.Commands)).IsFailure().ShouldBeFalse();

        // A share in a topic is the same right as the topic itself.
        (await mallory.SubscribeAsync($"$share/x/{Topics.Commands}")).IsFailure().ShouldBeFalse();

        for (var i = 0; i < 20; i++)
        {
            using var answer = i % 2 == 0 ? await door.UnlockAsync() : await door.LockAsync();
            answer.StatusCode.ShouldBe(System.Net.HttpStatusCode.OK);
        }

        // What comes to it comes in order: once its own is there, nothing can be on its way any more.
        app.Services.GetRequiredService<MqttBroker>().PublishTo(other.DeviceId, Topics.Commands, "own"u8);
        await Eventually.TrueAsync(() => !reported.IsEmpty, "its own command came");
        reported.ShouldHaveSingleItem().Payload.ShouldBe("own"u8.ToArray());
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task A_locks_session_cannot_be_taken_over_by_its_client_id(MqttProtocolVersion version)
    {
        await using var app = await TestApp.StartAsync();
        await using var door = await Door.OpenAsync(app, await app.OwnerAsync(), adjust: o => o with { OwnTopics = false });
        await using var other = await Door.NewAsync(await app.OwnerAsync(), Door.BrokerOf(app), StatusSiege.MalloryId);
        var lost = 0;
        door.Device.Happened += (_, e) => lost += e.Kind is VirtualDevice.VirtualLockEventKind.ConnectionLost ? 1 : 0;
        var reported = new ConcurrentQueue<TestMqttMessage>();
        await using var thief = Login.Client(
            app,
            other.DeviceId,
            Signatures.MqttPassword(other.Key, other.DeviceId),
            o => o.WithClientId(door.DeviceId).WithCleanStart(false).WithProtocolVersion((MQTTnet.Formatter.MqttProtocolVersion)version),
            reported.Enqueue);

        await thief.ConnectAsync();
        thief.IsSessionPresent.ShouldBeFalse();
        using var answer = await door.UnlockAsync();

        answer.StatusCode.ShouldBe(System.Net.HttpStatusCode.OK);
        door.Device.BoltMovements.ShouldBe(1);
        reported.ShouldBeEmpty();
        lost.ShouldBe(0);
        thief.IsConnected.ShouldBeTrue("it has a session of its own under that id");
    }

    [Fact]
    public async Task Nobody_gets_in_without_the_right_password_and_who_may_only_watch_says_nothing()
    {
        await using var siege = await StatusSiege.StartAsync();
        var id = siege.Victim.DeviceId;
        var known = await siege.KnownAsync();
        (string? Name, string? Password)[] strangers =
        [
            (null, null), ("", ""), (id, null), (id, ""), (id, "password"), (id, Signatures.MqttPassword(siege.MalloryKey, id)),
            (id, Signatures.MqttPassword(siege.MalloryKey, StatusSiege.MalloryId)), (id, siege.Victim.KeyHex), (id, Observer.Password),
            (id, Signatures.MqttPassword(siege.Victim.Key, id).ToUpperInvariant()), (id.ToLowerInvariant(), Signatures.MqttPassword(siege.Victim.Key, id)),
            (Observer.Name, "guess"), ($"observer/{Observer.Name}", Observer.Password), ("nobody", "nothing"), ("alice", TestApp.Password),
        ];
        foreach (var (name, password) in strangers)
        {
            await using var stranger = Login.Client(siege.App, name, password);
            (await stranger.TryConnectAsync()).ShouldBe(MqttReasonCode.BadUserNameOrPassword, $"{name}: {password}");
        }

        await using var observer = await Observer.ConnectAsync(siege.App, _ => { });
        foreach (var topic in new[] { Topics.Status, Topics.StatusOf(id), Topics.Commands, Topics.CommandsOf(id), "smartlock/x" })
        {
            (await observer.PublishAsync(topic, siege.Statuses[0])).ShouldBe(MqttReasonCode.NotAuthorized, topic);
        }

        foreach (var topic in new[] { Topics.Commands, Topics.CommandsOf(id), Topics.CommandsOf(StatusSiege.MalloryId), Topics.StatusOf(id), "$SYS/x", "x" })
        {
            (await siege.Mallory.PublishAsync(topic, siege.Statuses[0])).ShouldBe(MqttReasonCode.NotAuthorized, topic);
        }

        siege.Dropped.ShouldBeEmpty();
        (await siege.KnownAsync()).ShouldBe(known);
        await siege.ShouldStillWorkAsync();
    }

    [Fact]
    public async Task A_client_that_breaks_the_protocol_loses_its_own_connection_and_nobody_elses()
    {
        await using var siege = await StatusSiege.StartAsync();
        var password = Signatures.MqttPassword(siege.MalloryKey, StatusSiege.MalloryId);
        byte[] connect = Connect("broken", StatusSiege.MalloryId, password);
        byte[][] broken =
        [
            [0x00, 0x00], [0xF0, 0x00], [0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [.. Enumerable.Repeat((byte)0xAA, 4096)], "GET / HTTP/1.1\r\n\r\n"u8.ToArray(),
            [.. connect, 0x36, 0x02, 0x00, 0x00], [.. connect, 0x80, 0x02, 0x00, 0x01], [.. connect, 0x30, 0x03, 0x00, 0x01, (byte)'#'],
            [.. connect, 0x30, 0x04, 0x00, 0x02, 0xFF, 0xFE], [.. connect, .. connect], [.. connect, 0x20, 0x02, 0x00, 0x00],
            [.. connect, .. Publish(Topics.Status, new byte[1024 * 1024])],
        ];

        foreach (var bytes in broken)
        {
            await ShouldBeCutOffAsync(siege.App, bytes);
            siege.Mallory.IsConnected.ShouldBeTrue();
            siege.Victim.Device.IsConnected.ShouldBeTrue();
        }

        siege.Dropped.ShouldBeEmpty();
        await siege.ShouldStillWorkAsync();
    }

    private static async Task ShouldBeCutOffAsync(TestApp app, byte[] bytes)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(Door.BrokerOf(app), limit.Token);
        try
        {
            await socket.SendAsync(bytes, limit.Token);
            var buffer = new byte[1024];
            while (await socket.ReceiveAsync(buffer, limit.Token) > 0)
            {
            }
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            // Cut before all of it was sent, or read: just as well.
            return;
        }
    }

    /// <summary>MQTT 3.1.1, clean session, with user name and password, no keep-alive.</summary>
    private static byte[] Connect(string clientId, string userName, string password)
    {
        byte[] body = [.. Text("MQTT"), 4, 0xC2, 0, 0, .. Text(clientId), .. Text(userName), .. Text(password)];
        return [0x10, .. Length(body.Length), .. body];
    }

    /// <summary>QoS 0.</summary>
    private static byte[] Publish(string topic, byte[] payload)
    {
        byte[] name = Text(topic);
        return [0x30, .. Length(name.Length + payload.Length), .. name, .. payload];
    }

    private static byte[] Text(string text) => [(byte)(text.Length >> 8), (byte)text.Length, .. Encoding.ASCII.GetBytes(text)];

    private static IEnumerable<byte> Length(int length)
    {
        for (; length > 127; length >>= 7)
        {
            yield return (byte)(length | 0x80);
        }

        yield return (byte)length;
    }
}
