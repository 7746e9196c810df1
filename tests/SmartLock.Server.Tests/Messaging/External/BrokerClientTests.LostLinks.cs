using SmartLock.Server.Messaging;
using SmartLock.Server.Messaging.External;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Messaging.External;

/// <summary>A connection that stalls or breaks while messages are under way.</summary>
public sealed partial class BrokerClientTests
{
    [Theory]
    [InlineData(V311)]
    [InlineData(V5)]
    public async Task A_frozen_broker_is_disconnected_and_found_again(int version)
    {
        var clock = new FakeClock(TimeProvider.System.GetUtcNow());
        await using var broker = await StartBrokerAsync();
        await using var cable = new Cable(broker.Port);
        await using var listener = await ListenAsync(Options(cable.Port, version), clock, Events);
        await Eventually.TrueAsync(() => listener.Granted == 1, "the subscription is granted");

        cable.Freeze();
        var first = PublishAsync(listener.Client, Events, "frozen");
        clock.Advance(BrokerClientLimits.PublishTimeout);
        (await first.WaitAsync(Patience)).ShouldBe(PublishResult.Unknown);
        await Eventually.TrueAsync(
            async () =>
            {
                var next = PublishAsync(listener.Client, Events, "frozen");
                clock.Advance(BrokerClientLimits.PublishTimeout);
                return await next.WaitAsync(Patience) is PublishResult.NotSent;
            },
            "the connection is given up");

        cable.Cut();
        cable.Thaw();
        await Eventually.TrueAsync(
            () =>
            {
                // In small steps: the attempt to connect has its timeout on this clock, and the broker answers in real time.
                clock.Advance(TimeSpan.FromMilliseconds(100));
                return listener.Granted >= 2;
            },
            "the subscription is granted again");
    }

    [Fact]
    public async Task A_cancelled_publish_leaves_the_connection_alive()
    {
        await using var broker = await StartBrokerAsync();
        await using var cable = new Cable(broker.Port);
        await using var listener = await ListenAsync(Options(cable.Port), Events);
        await Eventually.TrueAsync(() => listener.Granted == 1, "the subscription is granted");
        using var caller = new CancellationTokenSource();

        cable.Freeze();
        var sending = listener.Client.PublishAsync(Events, "held up"u8.ToArray(), 60, caller.Token);
        await caller.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(sending.AsTask().WaitAsync(Patience));

        cable.Thaw();
        (await PublishAsync(listener.Client, Events, "after")).ShouldBe(PublishResult.Delivered);
        listener.Losses.ShouldBe(0);
    }

    [Fact]
    public async Task Messages_sent_to_it_while_the_link_broke_are_received()
    {
        const int MostTries = 5;
        var (missing, longestBreak) = await BreakWhileSendingAsync();
        for (var tries = 1; tries < MostTries && longestBreak >= BrokerClientLimits.SessionExpiry; tries++)
        {
            (missing, longestBreak) = await BreakWhileSendingAsync();
        }

        Assert.SkipWhen(longestBreak >= BrokerClientLimits.SessionExpiry, "this machine is too busy to reconnect while the broker keeps the session");
        missing.ShouldBe(0);
    }

    [Fact]
    public async Task A_message_reported_as_delivered_has_arrived_though_the_link_broke()
    {
        await using var broker = await StartBrokerAsync();
        await using var cable = new Cable(broker.Port);
        await using var listener = await ListenAsync(Options(cable.Port), Events);
        await using var other = await ListenAsync(Options(broker.Port), Statuses);
        await Eventually.TrueAsync(() => listener.Granted == 1 && other.Granted == 1, "both subscriptions are granted");

        var delivered = new List<string>();
        var cuts = 0;
        for (var i = 0; cuts < 3 || delivered.Count < 400; i++)
        {
            var sending = PublishAsync(listener.Client, "smartlock/status", Text(i));
            if (i % 100 == 50 && cuts < 3 && listener.Client.IsConnected)
            {
                cuts++;
                cable.Cut();
            }

            if (await sending is PublishResult.Delivered)
            {
                delivered.Add(Text(i));
            }
            else
            {
                await Eventually.TrueAsync(() => listener.Client.IsConnected, "it is connected again");
            }
        }

        await Eventually.TrueAsync(() => !delivered.Except(other.Received.Select(m => m.Payload)).Any(), "all that was delivered has arrived");
    }

    private static async Task<(int Missing, TimeSpan LongestBreak)> BreakWhileSendingAsync()
    {
        const int All = 3_000;
        await using var broker = await StartBrokerAsync();
        await using var cable = new Cable(broker.Port);
        var clock = new FakeClock(TimeProvider.System.GetUtcNow());
        await using var listener = await ListenAsync(Options(cable.Port), clock, SharedStatuses);
        await Eventually.TrueAsync(() => listener.Granted == 1, "the subscription is granted");

        await using var sender = await ConnectAsync(broker);
        var sending = SendAllAsync(sender, All);
        var longest = TimeSpan.Zero;
        for (var cuts = 0; cuts < 3; cuts++)
        {
            var from = TimeProvider.System.GetTimestamp();
            cable.Cut();
            await Eventually.TrueAsync(() => listener.Losses > cuts, "the loss is noticed");
            await Eventually.TrueAsync(
                () =>
                {
                    clock.Advance(BrokerClientLimits.ReconnectMinimum / 4);
                    return listener.Client.IsConnected;
                },
                "it is connected again");
            await Eventually.TrueAsync(() => listener.Granted == cuts + 2, "the subscription is granted again");
            longest = TimeSpan.FromTicks(Math.Max(longest.Ticks, TimeProvider.System.GetElapsedTime(from).Ticks));
        }

        await sending;
        await SendAsync(sender, "smartlock/status", "last");
        await Eventually.TrueAsync(() => listener.Received.Any(m => m.Payload == "last"), "the last message is received");
        listener.Losses.ShouldBe(3, listener.Causes);
        return (Enumerable.Range(0, All).Select(Text).Except(listener.Received.Select(m => m.Payload)).Count(), longest);
    }
}
