using System.Text;
using Microsoft.Extensions.Options;
using SmartLock.Server.Live;

namespace SmartLock.Server.Tests.Live;

public sealed class LiveHubTests
{
    private const string Network = "192.0.2.1";

    private readonly LiveHub _hub = new(Options.Create(new LiveOptions { MaxStreamsPerAccount = 1_000, MaxStreamsPerNetwork = 1_000 }));

    [Fact]
    public async Task Between_what_is_repeated_and_what_follows_nothing_is_missing_and_nothing_twice()
    {
        const int Publishers = 4;
        const int Each = 2_000;
        var start = _hub.Join("ada", Network, null).Position;
        var publishing = Task.WhenAll(Enumerable.Range(0, Publishers).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < Each; i++)
            {
                Publish("ada", "bob");
                await Task.Yield();
            }
        })));

        // Comes and goes all the time, each time from where it was.
        var seen = new List<long>();
        var last = start;
        do
        {
            var joined = _hub.Join("ADA", Network, last);
            joined.IsLost.ShouldBeFalse();
            using var listener = joined.Listener!;
            seen.AddRange(joined.Missed.Select(p => p.Number));
            await Task.Yield();
            while (listener.Frames.TryRead(out var frame))
            {
                seen.Add(NumberOf(frame));
            }

            last = $"{_hub.Epoch}-{(seen.Count == 0 ? 0 : seen[^1])}";
        }
        while (!publishing.IsCompleted || seen.Count < Publishers * Each);

        await publishing;
        seen.ShouldBe(Enumerable.Range(1, Publishers * Each).Select(n => (long)n));
    }

    [Fact]
    public void One_network_has_so_many_streams_whatever_accounts_it_has()
    {
        var hub = new LiveHub(Options.Create(new LiveOptions { MaxStreamsPerNetwork = 2 }));
        var first = hub.Join("ada", Network, null);
        hub.Join("bob", Network, null).Outcome.ShouldBe(JoinOutcome.Joined);

        hub.Join("eve", Network, null).Outcome.ShouldBe(JoinOutcome.TooManyOfNetwork);
        hub.Join("eve", "198.51.100.1", null).Outcome.ShouldBe(JoinOutcome.Joined);
        first.Listener!.Dispose();
        first.Listener.Dispose();
        hub.Join("eve", Network, null).Outcome.ShouldBe(JoinOutcome.Joined);
        hub.Join("eve", Network, null).Outcome.ShouldBe(JoinOutcome.TooManyOfNetwork, "one place was given up, once");
    }

    [Fact]
    public void Only_the_audience_is_told_now_and_later()
    {
        var ada = _hub.Join("ada", Network, null);
        var bob = _hub.Join("bob", Network, null);

        Publish("ada");

        ada.Listener!.Frames.TryRead(out _).ShouldBeTrue();
        bob.Listener!.Frames.TryRead(out _).ShouldBeFalse();
        _hub.Join("ada", Network, ada.Position).Missed.Count.ShouldBe(1);
        _hub.Join("bob", Network, bob.Position).Missed.ShouldBeEmpty();
    }

    [Fact]
    public void Who_does_not_keep_up_is_given_up_and_can_resume()
    {
        var slow = _hub.Join("ada", Network, null);
        var quick = _hub.Join("ada", Network, null);
        for (var i = 0; i <= LiveListener.MostWaiting; i++)
        {
            Publish("ada");
            quick.Listener!.Frames.TryRead(out _).ShouldBeTrue();
        }

        slow.Listener!.Overflowed.IsCancellationRequested.ShouldBeTrue();
        quick.Listener!.Overflowed.IsCancellationRequested.ShouldBeFalse();
        _hub.Streams.ShouldBe(1);
        _hub.Join("ada", Network, slow.Position).Missed.Count.ShouldBe(LiveListener.MostWaiting + 1);
    }

    [Fact]
    public void A_ping_never_costs_a_slow_listener_its_stream()
    {
        var slow = _hub.Join("ada", Network, null);
        for (var i = 0; i < LiveListener.MostWaiting; i++)
        {
            Publish("ada");
        }

        _hub.Ping();

        slow.Listener!.Overflowed.IsCancellationRequested.ShouldBeFalse();
    }

    [Fact]
    public void What_is_too_old_is_lost_and_the_oldest_that_is_remembered_is_not()
    {
        _hub.Join("ada", Network, null);
        for (var i = 0; i <= LiveHub.MostRemembered; i++)
        {
            Publish("ada");
        }

        _hub.Join("ada", Network, $"{_hub.Epoch}-0").IsLost.ShouldBeTrue();
        var kept = _hub.Join("ada", Network, $"{_hub.Epoch}-1");
        kept.IsLost.ShouldBeFalse();
        kept.Missed.Count.ShouldBe(LiveHub.MostRemembered);
        _hub.Join("ada", Network, $"{_hub.Epoch}-{LiveHub.MostRemembered + 2}").IsLost.ShouldBeTrue("it lies ahead");
    }

    [Fact]
    public void What_came_before_the_first_stream_is_not_remembered_and_what_comes_after_it_is()
    {
        Publish("ada");
        var first = _hub.Join("ada", Network, null);
        Publish("ada");

        first.Position.ShouldBe($"{_hub.Epoch}-1");
        _hub.Join("ada", Network, $"{_hub.Epoch}-0").IsLost.ShouldBeTrue();
        var again = _hub.Join("ada", Network, first.Position);
        again.IsLost.ShouldBeFalse();
        again.Missed.Single().Number.ShouldBe(2);
    }

    [Fact]
    public void After_a_gap_everybody_reads_again_and_nobody_resumes_across_it()
    {
        var before = _hub.Join("ada", Network, null);
        Publish("ada");

        _hub.Forget();

        before.Listener!.Frames.TryRead(out _).ShouldBeTrue();
        before.Listener!.Frames.TryRead(out var frame).ShouldBeTrue();
        Encoding.UTF8.GetString(frame).ShouldStartWith("event: resync\n");
        _hub.Join("ada", Network, before.Position).IsLost.ShouldBeTrue();
        _hub.Join("ada", Network, $"{_hub.Epoch}-{NumberOf(frame)}").IsLost.ShouldBeFalse();
    }

    private void Publish(params string[] audience) =>
        _hub.Publish([new LiveEvent("id", "lock", "D1", DateTimeOffset.UnixEpoch, audience, "{}"u8.ToArray())]);

    private static long NumberOf(byte[] frame)
    {
        var id = Encoding.UTF8.GetString(frame).Split('\n').Single(l => l.StartsWith("id: ", StringComparison.Ordinal));
        return long.Parse(id[(id.LastIndexOf('-') + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }
}
