using Microsoft.Extensions.Options;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Messaging;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Replicas;

/// <summary>For how long silence is not counted against a device, because a replica may have been handed what it said.</summary>
public sealed class LostReplicasTests
{
    private static readonly TimeSpan OfflineAfter = TimeSpan.FromSeconds(20);
    private readonly FakeClock _clock = new();
    private readonly LostReplicas _lost;

    public LostReplicasTests() => _lost = new LostReplicas(Options.Create(new MqttOptions()), _clock);

    [Fact]
    public void While_all_speak_nothing_is_added()
    {
        for (var i = 0; i < 20; i++)
        {
            Pass(2, "a", "b");
        }

        _lost.GracePeriod(OfflineAfter).ShouldBe(TimeSpan.Zero);
    }

    [Fact]
    public void After_one_is_lost_devices_get_the_time_that_it_may_have_swallowed_until_all_could_report_again()
    {
        Pass(2, "a", "b");
        Pass(2, "b");
        Pass(2, "b");
        Pass(2, "b");
        _lost.GracePeriod(OfflineAfter).ShouldBe(_lost.LossWindow);

        // It has been lost since its last word.
        for (var passed = TimeSpan.FromSeconds(6); passed < _lost.LossWindow + OfflineAfter; passed += TimeSpan.FromSeconds(1))
        {
            _lost.GracePeriod(OfflineAfter).ShouldBe(_lost.LossWindow);
            Pass(1, "b");
        }

        _lost.GracePeriod(OfflineAfter).ShouldBe(TimeSpan.Zero);
    }

    [Fact]
    public void One_that_comes_back_was_away_all_the_same()
    {
        Pass(2, "a");
        Pass(8, "a");
        _lost.GracePeriod(OfflineAfter).ShouldBe(_lost.LossWindow);
    }

    [Fact]
    public void A_goodbye_is_no_loss()
    {
        Pass(2, "a", "b");
        _lost.NoteLeft("a");
        Pass(10, "b");
        Pass(2, "b");
        _lost.NoteLeft("b");

        // b was silent for ten seconds; a had left.
        _lost.GracePeriod(OfflineAfter).ShouldBe(_lost.LossWindow);
        _clock.Advance(_lost.LossWindow + OfflineAfter);
        _lost.GracePeriod(OfflineAfter).ShouldBe(TimeSpan.Zero);
    }

    [Fact]
    public void A_device_that_reports_every_nine_seconds_has_reported_before_that_time_is_over()
    {
        // The worst: reported by a replica that was killed before it stored it, then handed to one that was cut off until the broker gave that up.
        var heartbeat = TimeSpan.FromSeconds(9);
        var unheard = heartbeat + (Math.Ceiling(_lost.LossWindow / heartbeat) * heartbeat);
        unheard.ShouldBeLessThan(OfflineAfter + _lost.LossWindow);
    }

    private void Pass(int seconds, params string[] speaking)
    {
        _clock.Advance(TimeSpan.FromSeconds(seconds));
        foreach (var replica in speaking)
        {
            _lost.NoteMessage(replica);
        }
    }
}
