using SmartLock.Server.Messaging;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Messaging.Brokers;

/// <summary>A link that breaks while messages are under way.</summary>
public abstract partial class BrokerClientContract
{
    [Fact]
    public async Task What_was_sent_to_it_while_the_link_broke_is_heard()
    {
        const int MostTries = 5;
        var (unheard, longestBreak) = await BreakWhileSendingAsync();
        for (var tries = 1; tries < MostTries && longestBreak >= BrokerClientLimits.SessionExpiry; tries++)
        {
            (unheard, longestBreak) = await BreakWhileSendingAsync();
        }

        Assert.SkipWhen(longestBreak >= BrokerClientLimits.SessionExpiry, "this machine is too busy to connect again while the broker keeps the session");
        unheard.ShouldBe(0);
    }

    [Fact]
    public async Task What_it_calls_delivered_has_arrived_though_the_link_broke()
    {
        await using var broker = await StartBrokerAsync();
        await using var cable = new Cable(broker.Port);
        await using var listener = await ListenAsync(Options(cable.Port), Events);
        await using var other = await ListenAsync(Options(broker.Port), Statuses);
        await Eventually.TrueAsync(() => listener.Granted == 1 && other.Granted == 1, "both listen");

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

            if (await sending is HandOver.Delivered)
            {
                delivered.Add(Text(i));
            }
            else
            {
                await Eventually.TrueAsync(() => listener.Client.IsConnected, "it is back");
            }
        }

        await Eventually.TrueAsync(() => !delivered.Except(other.Heard.Select(m => m.Payload)).Any(), "all that was delivered has arrived");
    }

    private async Task<(int Unheard, TimeSpan LongestBreak)> BreakWhileSendingAsync()
    {
        const int All = 3_000;
        await using var broker = await StartBrokerAsync();
        await using var cable = new Cable(broker.Port);
        var clock = new FakeClock(TimeProvider.System.GetUtcNow());
        await using var listener = await ListenAsync(Options(cable.Port), clock, SharedStatuses);
        await Eventually.TrueAsync(() => listener.Granted == 1, "it listens");

        await using var sender = await ConnectAsync(broker);
        var sending = SendAllAsync(sender, All);
        var longest = TimeSpan.Zero;
        for (var cuts = 0; cuts < 3; cuts++)
        {
            var from = TimeProvider.System.GetTimestamp();
            cable.Cut();
            await Eventually.TrueAsync(() => listener.Losses > cuts, "it notices");
            await Eventually.TrueAsync(
                () =>
                {
                    clock.Advance(BrokerClientLimits.ReconnectMinimum / 4);
                    return listener.Client.IsConnected;
                },
                "it connects again");
            await Eventually.TrueAsync(() => listener.Granted == cuts + 2, "it listens again");
            longest = TimeSpan.FromTicks(Math.Max(longest.Ticks, TimeProvider.System.GetElapsedTime(from).Ticks));
        }

        await sending;
        await SendAsync(sender, "smartlock/status", "last");
        await Eventually.TrueAsync(() => listener.Heard.Any(m => m.Payload == "last"), "the last is heard");
        listener.Losses.ShouldBe(3, listener.Causes);
        return (Enumerable.Range(0, All).Select(Text).Except(listener.Heard.Select(m => m.Payload)).Count(), longest);
    }
}
