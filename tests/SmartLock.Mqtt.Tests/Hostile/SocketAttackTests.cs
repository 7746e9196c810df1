using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Packets;
using SmartLock.Mqtt.Tests.Broker;
using SmartLock.Mqtt.Tests.Packets;

namespace SmartLock.Mqtt.Tests.Hostile;

/// <summary>
/// Three attacks that MQTTnet's server does not withstand (docs/decisions/0001-mqtt-stack.md), on real sockets: half a packet before the end of the
/// stream, answers that are never read, and a second login while the first connection does not read. Each test sets every time-out that
/// could end the connection by itself so long that it plays no part.
/// </summary>
public sealed class SocketAttackTests
{
    // Real time, since these are sockets: long enough for a busy machine, and far below OutOfReach.
    private static readonly TimeSpan Promptly = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan OutOfReach = TimeSpan.FromHours(1);

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task Half_a_connect_before_the_end_of_the_stream_closes_the_connection_at_once(int times)
    {
        await using var host = await StartAsync();
        var halves = new List<Socket>();
        for (var i = 0; i < times; i++)
        {
            var socket = await OpenAsync(host);
            halves.Add(socket);
            await socket.SendAsync(Wire.Bytes(TestBroker.Connect(new string('c', 40)).WriteTo).AsMemory(0, 20));
            socket.Shutdown(SocketShutdown.Send);
        }

        foreach (var socket in halves)
        {
            (await ReadToEndAsync(socket)).ShouldBe(0);
            socket.Dispose();
        }

        await ShouldServeAsync(host, connections: 0);
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task Half_a_publish_before_the_end_of_the_stream_closes_the_connection_at_once_and_publishes_the_will(MqttProtocolVersion version)
    {
        await using var host = await StartAsync();
        var will = new TaskCompletionSource();
        using var watching = host.Broker.Subscribe("will", (in InboundMessage _) => will.SetResult());
        using var socket = await OpenAsync(host);
        await LogInAsync(socket, TestBroker.Connect("c", version) with { KeepAlive = 0, Will = new MqttWill("will", default) });
        // A PUBLISH of 100 bytes, of which 20 come.
        await socket.SendAsync(Wire.Frame(0x30, new byte[100]).AsMemory(0, 20));
        socket.Shutdown(SocketShutdown.Send);
        (await ReadToEndAsync(socket)).ShouldBe(0);
        await will.Task.WaitAsync(Promptly);
        await ShouldServeAsync(host, connections: 0);
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task A_client_that_sends_pings_and_reads_no_answer_is_let_go_while_its_memory_is_bounded(MqttProtocolVersion version)
    {
        const int MostOutbound = 64 * 1024;
        // Far more than the buffers of the system and of Kestrel take in either direction.
        const long MostSent = 64L * 1024 * 1024;
        await using var host = await StartAsync(o => (o.MaxOutboundBytes, o.DrainTimeout) = (MostOutbound, TimeSpan.FromMilliseconds(200)));
        using var socket = await OpenAsync(host, receiveBuffer: 4096);
        await LogInAsync(socket, TestBroker.Connect("c", version) with { KeepAlive = 0 });
        var pings = new byte[16 * 1024];
        for (var i = 0; i < pings.Length; i += 2)
        {
            pings[i] = 0xC0;
        }

        var (sent, most) = (0L, 0L);
        while (await TrySendAsync(socket, pings))
        {
            sent += pings.Length;
            sent.ShouldBeLessThan(MostSent);
            most = Math.Max(most, host.Broker.GetStatistics().OutboundBytes);
        }

        host.Broker.GetStatistics().ProtocolErrors.ShouldBe(1);
        // Twice the option, as its text says, and the growth of a buffer.
        most.ShouldBeLessThanOrEqualTo(4 * MostOutbound);
        await ShouldServeAsync(host, connections: 0);
        host.Broker.GetStatistics().OutboundBytes.ShouldBe(0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_second_login_is_answered_promptly_while_the_first_connection_does_not_read(bool cleanStart)
    {
        // The first connection does not take its DISCONNECT, so a login that waited for it would wait for OutOfReach.
        await using var host = await StartAsync(o => o.DrainTimeout = OutOfReach);
        var connect = TestBroker.Connect("c") with
        {
            KeepAlive = 0,
            CleanStart = cleanStart,
            Properties = new MqttProperties { SessionExpiryInterval = 300 },
        };
        using var stuck = await OpenAsync(host, receiveBuffer: 4096);
        await LogInAsync(stuck, connect);
        await stuck.SendAsync(Wire.Bytes(o => new SubscribePacket(1, [new MqttSubscription("a")]).WriteTo(o, MqttProtocolVersion.V500)));
        await Signals.Until(() => host.Broker.GetStatistics().Subscriptions == 1);
        while (host.Broker.GetStatistics().Dropped[MqttDropReason.SlowReader] < 10)
        {
            host.Broker.Publish("a", new byte[60_000]);
            await Task.Yield();
        }

        using var second = await OpenAsync(host);
        var secondLogin = LogInAsync(second, connect);
        // A login of another client is not held up either.
        await ShouldServeAsync(host, connections: null);
        await secondLogin;
        await ShouldServeAsync(host, connections: null);

        // The first connection has still not taken its DISCONNECT, so nothing waited for that; here it ends with its socket.
        await SmartLock.Testing.Eventually.TrueAsync(() => host.Broker.GetStatistics().Connections == 2, "the bystanders are gone");
        stuck.Dispose();
        await SmartLock.Testing.Eventually.TrueAsync(() => host.Broker.GetStatistics().Connections == 1, "only the second connection is left");
    }

    private static Task<KestrelBroker> StartAsync(Action<MqttBrokerOptions>? configure = null) => KestrelBroker.StartAsync(
        new TestAccess(),
        options =>
        {
            options.ConnectTimeout = OutOfReach;
            configure?.Invoke(options);
        },
        endpoint => endpoint.Use(next => connection =>
        {
            // Left to the system it grows to megabytes, which would hold everything that a client leaves unread.
            connection.Features.Get<IConnectionSocketFeature>()!.Socket.SendBufferSize = 4096;
            return next(connection);
        }));

    private static async Task<Socket> OpenAsync(KestrelBroker host, int receiveBuffer = 0)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBuffer > 0)
        {
            socket.ReceiveBufferSize = receiveBuffer;
        }

        await socket.ConnectAsync("127.0.0.1", host.MqttPort);
        return socket;
    }

    private static async Task LogInAsync(Socket socket, ConnectPacket connect)
    {
        var client = StreamClient.Over(new NetworkStream(socket, ownsSocket: false));
        (await client.ConnectAsync(connect).WaitAsync(Promptly)).ReasonCode.ShouldBe(MqttReasonCode.Success);
    }

    /// <returns>Bytes that came before the broker closed the connection.</returns>
    private static async Task<int> ReadToEndAsync(Socket socket)
    {
        var (all, buffer) = (0, new byte[1024]);
        using var limit = new CancellationTokenSource(Promptly);
        while (await socket.ReceiveAsync(buffer, limit.Token) is > 0 and var count)
        {
            all += count;
        }

        return all;
    }

    /// <returns>False when the broker has cut the connection.</returns>
    private static async Task<bool> TrySendAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        using var limit = new CancellationTokenSource(Promptly);
        try
        {
            await socket.SendAsync(bytes, limit.Token);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Another client logs in and gets its own message back, and the broker holds no connection but those that it should.</summary>
    private static async Task ShouldServeAsync(KestrelBroker host, int? connections)
    {
        var bystander = await host.OpenTcpAsync();
        var connect = TestBroker.Connect($"bystander-{Guid.NewGuid():N}") with { UserName = "bystander" };
        (await bystander.ConnectAsync(connect).WaitAsync(Promptly)).ReasonCode.ShouldBe(MqttReasonCode.Success);
        await bystander.SubscribeAsync("bystander/inbox").WaitAsync(Promptly);
        await bystander.PublishAsync("bystander/inbox", "x");
        (await bystander.ReadPublishAsync().WaitAsync(Promptly)).Payload.ShouldBe("x");
        if (connections is { } expected)
        {
            await SmartLock.Testing.Eventually.TrueAsync(() => host.Broker.GetStatistics().Connections == expected + 1, "the attacker's connections are gone");
        }

        await bystander.SendAsync(o => new DisconnectPacket(MqttReasonCode.Success).WriteTo(o, MqttProtocolVersion.V500));
        (await bystander.TryReadAsync()).ShouldBeNull();
    }
}
