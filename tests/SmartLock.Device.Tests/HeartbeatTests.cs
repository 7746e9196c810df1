using System.Globalization;
using System.Text.Json;
using SmartLock.Device.Tests.Rig;

namespace SmartLock.Device.Tests;

public sealed class HeartbeatTests
{
    [Fact]
    public void The_report_on_connection_tells_what_changed_while_there_was_none()
    {
        var rig = new LockRig();
        rig.Brain.OnDisconnected();
        rig.Bolt.Position = BoltStatus.Unlocked;
        rig.Gauges.BatteryMillivolts = 3100;

        rig.Connect();

        rig.Text("status").ShouldBe("Unlocked");
        rig.Text("issue").ShouldBe("Low battery");
        rig.Green.Lit.ShouldBeTrue();
    }

    [Fact]
    public void It_reports_on_connection_and_every_nine_seconds()
    {
        var rig = new LockRig();
        rig.Outbox.Sent.ShouldHaveSingleItem();

        rig.TickFor(90_000);

        rig.Outbox.Sent.Count.ShouldBeInRange(11, 12);
        var gaps = rig.Outbox.Sent.Zip(rig.Outbox.Sent.Skip(1), (a, b) => SentAt(b.Report) - SentAt(a.Report)).ToList();
        gaps[0].ShouldBeInRange(1000, 9000);
        gaps.Skip(1).ShouldAllBe(gap => gap == 9000);
    }

    [Fact]
    public void Devices_that_connect_together_do_not_beat_together()
    {
        var gaps = Enumerable.Range(0, 200).Select(i =>
        {
            var rig = new LockRig(key: i.ToString("x64", CultureInfo.InvariantCulture));
            return rig.Brain.NextReportAt - rig.Clock.UptimeMs;
        }).ToList();

        gaps.ShouldAllBe(gap => gap >= 1000 && gap <= 9000);
        gaps.GroupBy(gap => gap / 1000).Count().ShouldBeGreaterThanOrEqualTo(8);
    }

    [Fact]
    public void It_says_all_that_the_protocol_asks_for_and_signs_it()
    {
        var rig = new LockRig();
        rig.Gauges.BatteryMillivolts = 3900;
        rig.TickFor(rig.Brain.NextReportAt + 200);

        var report = rig.LastReport;
        report.EnumerateObject().Select(m => m.Name).ShouldBe(
        [
            "device_id", "status", "issue", "sent_at", "connected_at", "boot", "command_id", "result", "firmware", "uptime_s", "rssi",
            "battery_mv", "topics", "signature",
        ]);
        report.GetProperty("firmware").GetString().ShouldBe("1.0.0");
        report.GetProperty("uptime_s").GetInt64().ShouldBe(rig.Clock.UptimeMs / 1000);
        report.GetProperty("rssi").GetInt32().ShouldBe(-61);
        report.GetProperty("battery_mv").GetInt32().ShouldBe(3900);
        report.GetProperty("topics").GetString().ShouldBe("own");
        report.GetProperty("boot").GetString().ShouldBe(rig.Brain.Boot);
        ServerPen.IsSigned(LockRig.KeyHex, "v2|sts|", rig.Outbox.LastText).ShouldBeTrue();
    }

    [Fact]
    public void A_device_on_the_shared_topics_reports_there_and_does_not_say_own()
    {
        var rig = new LockRig(ownTopics: false);
        rig.Outbox.Sent[0].Topic.ShouldBe("smartlock/status");
        rig.Text("topics").ShouldBe("shared");
        rig.Session.CommandTopics.ShouldBe(["smartlock/commands"]);
        rig.Session.WillTopic.ShouldBe("smartlock/status");
    }

    [Fact]
    public void The_session_has_the_device_as_user_a_derived_password_and_a_signed_will()
    {
        var rig = new LockRig();

        rig.Session.ClientId.ShouldBe(LockRig.DeviceId);
        rig.Session.UserName.ShouldBe(LockRig.DeviceId);
        rig.Session.Password.ShouldBe(ServerPen.Sign(LockRig.KeyHex, "v1|mqtt|ESP32-7C9EBD"));
        rig.Session.CommandTopics.ShouldBe(["smartlock/commands", "smartlock/commands/ESP32-7C9EBD"]);
        rig.Session.WillTopic.ShouldBe("smartlock/status/ESP32-7C9EBD");
        var will = JsonDocument.Parse(rig.Session.Will).RootElement;
        will.GetProperty("device_id").GetString().ShouldBe(LockRig.DeviceId);
        will.GetProperty("state").GetString().ShouldBe("Unavailable");
        will.GetProperty("issue").GetString().ShouldBe("Connection lost");
        var connectedAt = will.GetProperty("connected_at").GetInt64();
        connectedAt.ShouldBe(rig.LastReport.GetProperty("connected_at").GetInt64());
        will.GetProperty("boot").GetString().ShouldBe(rig.Brain.Boot);
        ServerPen.IsSigned(LockRig.KeyHex, "v2|will|", rig.Session.Will).ShouldBeTrue();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-3_600_000)]
    public void Each_session_is_newer_than_the_one_before_whatever_the_clock_does(long step)
    {
        var rig = new LockRig();
        var before = rig.Session.ConnectedAt;
        rig.Brain.OnDisconnected();
        rig.Clock.UnixMs += step;

        rig.Connect();

        rig.Session.ConnectedAt.ShouldBeGreaterThan(before);
        rig.LastReport.GetProperty("connected_at").GetInt64().ShouldBe(rig.Session.ConnectedAt);
    }

    [Fact]
    public void While_the_clock_is_not_set_the_uptime_tells_sessions_apart()
    {
        var rig = new LockRig();
        rig.Clock.UnixMs = 0;
        rig.Reboot();
        rig.Session.ConnectedAt.ShouldBe(2000);

        rig.Clock.UptimeMs = 2700;
        rig.Connect();
        rig.Session.ConnectedAt.ShouldBe(2700);
    }

    [Fact]
    public void Sent_at_grows_when_the_clock_stands_steps_back_or_is_lost()
    {
        var rig = new LockRig();
        void Beat()
        {
            rig.Clock.UptimeMs += 9000;
            rig.Brain.Tick();
        }

        Beat();
        Beat();
        rig.Clock.UnixMs -= 86_400_000;
        Beat();
        rig.Clock.UnixMs = 0;
        Beat();
        rig.Clock.UnixMs = ManualClock.Start + 1_000_000;
        Beat();

        var sent = rig.Outbox.Sent.Select(s => SentAt(s.Report)).ToList();
        sent.Count.ShouldBe(6);
        sent.Zip(sent.Skip(1)).ShouldAllBe(pair => pair.Second > pair.First);
        sent[^1].ShouldBe(ManualClock.Start + 1_000_000);
    }

    [Fact]
    public void Nothing_goes_out_without_a_connection()
    {
        var rig = new LockRig();
        rig.Brain.OnDisconnected();
        rig.TickFor(30_000);
        rig.Outbox.Sent.ShouldHaveSingleItem();

        rig.Connect();
        rig.Outbox.Sent.Count.ShouldBe(2);
    }

    [Fact]
    public void A_report_that_found_no_room_is_said_again_a_second_later()
    {
        var rig = new LockRig();
        rig.Outbox.Full = true;
        rig.Receive(rig.Unlock("lost"));
        rig.Outbox.Full = false;

        rig.TickFor(800);
        rig.Outbox.Sent.ShouldHaveSingleItem();
        rig.TickFor(200);
        rig.Text("command_id").ShouldBe("lost");
        rig.Text("result").ShouldBe("done");
    }

    [Fact]
    public void A_decision_made_while_the_link_broke_is_told_on_the_next_connection()
    {
        var rig = new LockRig();
        rig.Brain.OnDisconnected();
        rig.Receive(rig.Unlock("unheard"));
        rig.Outbox.Sent.ShouldHaveSingleItem();
        rig.Connect();
        rig.Text("command_id").ShouldBe("unheard");
    }

    [Fact]
    public void Low_battery_is_told_at_once_and_does_not_flap()
    {
        var rig = new LockRig();
        rig.Gauges.BatteryMillivolts = 3300;
        rig.TickFor(10_000);
        rig.Text("issue").ShouldBeNull();

        rig.Gauges.BatteryMillivolts = 3299;
        rig.TickFor(1200);
        rig.Text("issue").ShouldBe("Low battery");

        rig.Gauges.BatteryMillivolts = 3399;
        rig.TickFor(20_000);
        rig.Text("issue").ShouldBe("Low battery");

        rig.Gauges.BatteryMillivolts = 3400;
        rig.TickFor(1200);
        rig.Text("issue").ShouldBeNull();
    }

    [Fact]
    public void A_bolt_turned_by_hand_is_seen_and_told()
    {
        var rig = new LockRig();
        rig.Clock.Advance(2000);
        rig.Bolt.Position = BoltStatus.Unlocked;
        rig.Brain.Tick();

        rig.Text("status").ShouldBe("Unlocked");
        rig.Green.Lit.ShouldBeTrue();
        rig.Bolt.Movements.ShouldBe(0);
    }

    [Fact]
    public void Connected_without_a_session_says_nothing()
    {
        var rig = new LockRig();
        var brain = new LockBrain(
            new LockSettings { DeviceId = "d", Key = DeviceKey.FromHex(LockRig.KeyHex) },
            new LockParts
            {
                Clock = rig.Clock,
                Slots = new FakeFlash(),
                Bolt = rig.Bolt,
                LockedLight = rig.Red,
                UnlockedLight = rig.Green,
                Gauges = rig.Gauges,
                Outbox = rig.Outbox,
                Chance = rig.Chance,
                Log = rig.Log,
            });
        brain.OnConnected();
        rig.Outbox.Sent.ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/b")]
    [InlineData("a+")]
    [InlineData("a#")]
    [InlineData("a|b")]
    [InlineData("a b")]
    [InlineData(null)]
    public void A_device_id_that_cannot_stand_in_a_topic_is_refused_at_the_start(string? id)
    {
        var settings = new LockSettings { DeviceId = id, Key = DeviceKey.FromHex(LockRig.KeyHex) };
        Should.Throw<ArgumentException>(() => new LockBrain(settings, new LockParts()));
        Should.Throw<ArgumentException>(() => new LockBrain(new LockSettings { DeviceId = "d" }, new LockParts()));
    }

    private static long SentAt(JsonElement report) => report.GetProperty("sent_at").GetInt64();
}
