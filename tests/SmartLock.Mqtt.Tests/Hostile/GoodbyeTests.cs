using System.Buffers;
using System.Diagnostics;
using SmartLock.Mqtt.Packets;
using SmartLock.Mqtt.Tests.Broker;

namespace SmartLock.Mqtt.Tests.Hostile;

/// <summary>
/// A client that is told to go can read why, whatever it is sending: a socket that is closed with something unread is reset, and the reset would take
/// the answer with it.
/// </summary>
public sealed class GoodbyeTests
{
    /// <summary>More than Kestrel reads ahead (1 MB): the rest waits in the socket.</summary>
    private const int Behind = 3_000_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task A_refused_client_that_went_on_sending_reads_the_reason(MqttProtocolVersion version)
    {
        await using var broker = await KestrelBroker.StartAsync(new TestAccess(), o => o.RefusalDelay = TimeSpan.Zero);
        var client = await broker.OpenTcpAsync();
        await client.SendAsync(output =>
        {
            (TestBroker.Connect("c", version) with { UserName = null }).WriteTo(output);
            client.WritePublish(output, "a", new string('x', Behind));
        });
        await Signals.Until(() => broker.Broker.GetStatistics().ConnectionsRefused == 1);

        var answer = await client.ReadAsync();

        ConnAckPacket.Read(answer.Body, version).ReasonCode.ShouldBe(MqttReasonCode.BadUserNameOrPassword);
        (await client.TryReadAsync()).ShouldBeNull("then it ends in order");
    }

    [Fact]
    public async Task A_client_that_is_disconnected_while_it_sends_reads_the_reason()
    {
        await using var broker = await KestrelBroker.StartAsync(new TestAccess());
        var client = await broker.OpenTcpAsync();
        (await client.ConnectAsync(TestBroker.Connect("c"))).ReasonCode.ShouldBe(MqttReasonCode.Success);

        // SUBSCRIBE with flags that are none of its, and much behind it.
        await client.SendAsync(output =>
        {
            output.Write(new byte[] { 0x80, 0 }.AsSpan());
            client.WritePublish(output, "a", new string('x', Behind));
        });
        await Signals.Until(() => broker.Broker.GetStatistics().ProtocolErrors == 1);

        (await client.ReadAsync()).Disconnect().ReasonCode.ShouldBe(MqttReasonCode.MalformedPacket);
        (await client.TryReadAsync()).ShouldBeNull("then it ends in order");
    }

    [Fact]
    public async Task Who_does_not_close_is_cut_when_the_time_for_it_is_over()
    {
        await using var broker = await KestrelBroker.StartAsync(new TestAccess(), o => o.DrainTimeout = TimeSpan.FromMilliseconds(500));
        var since = Stopwatch.GetTimestamp();
        var client = await broker.OpenTcpAsync();
        await client.SendAsync((TestBroker.Connect("c") with { UserName = null }).WriteTo);

        await Signals.Until(() => broker.Broker.GetStatistics() is { ConnectionsRefused: 1, Connections: 0 });

        Stopwatch.GetElapsedTime(since).ShouldBeLessThan(Patience);
        (await client.ReadAsync()).Type.ShouldBe(MqttPacketType.ConnAck);
    }

    [Fact]
    public async Task Who_sends_without_end_is_cut_before_the_time_is_over()
    {
        await using var broker = await KestrelBroker.StartAsync(new TestAccess(), o => o.DrainTimeout = TimeSpan.FromMinutes(5));
        var client = await broker.OpenTcpAsync();
        await client.SendAsync((TestBroker.Connect("c") with { UserName = null }).WriteTo);

        var cut = await Should.ThrowAsync<Exception>(async () =>
        {
            using var limit = new CancellationTokenSource(Patience);
            while (!limit.IsCancellationRequested)
            {
                await client.SendAsync(new byte[64 * 1024]);
            }
        });

        cut.ShouldBeAssignableTo<IOException>();
        await Signals.Until(() => broker.Broker.GetStatistics().Connections == 0);
    }

    [Fact]
    public async Task Those_that_are_closing_are_bounded_and_the_oldest_is_cut_first()
    {
        await using var broker = await KestrelBroker.StartAsync(
            new TestAccess(), o => (o.DrainTimeout, o.MaxDelayedRefusals, o.RefusalDelay) = (TimeSpan.FromMinutes(5), 4, TimeSpan.Zero));
        for (var i = 0; i < 50; i++)
        {
            var client = await broker.OpenTcpAsync();
            await client.SendAsync((TestBroker.Connect("c") with { UserName = null }).WriteTo);
            (await client.ReadAsync()).Type.ShouldBe(MqttPacketType.ConnAck);
        }

        await Signals.Until(() => broker.Broker.GetStatistics().Connections <= 4);
    }
}
