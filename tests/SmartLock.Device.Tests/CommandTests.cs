using SmartLock.Device.Tests.Rig;

namespace SmartLock.Device.Tests;

public sealed class CommandTests
{
    private const string OtherKey = "ffeeddccbbaa99887766554433221100f0e0d0c0b0a090807060504030201000";

    [Fact]
    public void A_right_command_moves_the_bolt_once_and_says_so_at_once()
    {
        var rig = new LockRig();
        var sent = rig.Outbox.Sent.Count;

        rig.Receive(rig.Unlock());

        rig.Bolt.Movements.ShouldBe(1);
        rig.Brain.Status.ShouldBe(BoltStatus.Unlocked);
        rig.Outbox.Sent.Count.ShouldBe(sent + 1);
        rig.Outbox.Sent[^1].Topic.ShouldBe("smartlock/status/ESP32-7C9EBD");
        rig.Text("status").ShouldBe("Unlocked");
        rig.Text("command_id").ShouldBe(rig.Unlock().CommandId);
        rig.Text("result").ShouldBe("done");
        rig.Log.Decisions.ShouldHaveSingleItem().Verdict.ShouldBe(Verdict.Done);
    }

    [Fact]
    public void Whoever_listens_for_decisions_hears_of_one_before_the_server_does()
    {
        var rig = new LockRig();
        var decidedAtSend = new List<int>();
        rig.Outbox.Sending = () => decidedAtSend.Add(rig.Log.Decisions.Count);

        rig.Receive(rig.Unlock());

        decidedAtSend.ShouldBe([1]);
    }

    [Theory]
    [InlineData("smartlock/commands")]
    [InlineData("smartlock/commands/ESP32-7C9EBD")]
    public void Both_command_topics_are_subscribed(string topic)
    {
        var rig = new LockRig();
        rig.Brain.OnMessage(topic, rig.Unlock().Write(), retained: false);
        rig.Bolt.Movements.ShouldBe(1);
    }

    [Theory]
    [InlineData("smartlock/commands/other")]
    [InlineData("smartlock/commands/")]
    [InlineData("smartlock/status/ESP32-7C9EBD")]
    [InlineData("")]
    [InlineData(null)]
    public void Other_topics_are_not(string? topic)
    {
        var rig = new LockRig();
        rig.Brain.OnMessage(topic, rig.Unlock().Write(), retained: false);
        rig.ShouldNotHaveMoved(Refusal.ForeignTopic);
    }

    [Fact]
    public void The_lights_follow_the_bolt()
    {
        var rig = new LockRig();
        (rig.Red.Lit, rig.Green.Lit).ShouldBe((true, false));

        rig.Receive(rig.Unlock());
        (rig.Red.Lit, rig.Green.Lit).ShouldBe((false, true));

        rig.Clock.Advance(1);
        rig.Receive(rig.Lock());
        (rig.Red.Lit, rig.Green.Lit).ShouldBe((true, false));

        rig.Bolt.Jammed = true;
        rig.Clock.Advance(1);
        rig.Receive(rig.Unlock("2"));
        (rig.Red.Lit, rig.Green.Lit).ShouldBe((false, false));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_jam_is_told_and_ends_with_the_next_movement(bool byException)
    {
        var rig = new LockRig();
        rig.Bolt.Jammed = !byException;
        rig.Bolt.Throws = byException;
        rig.Receive(rig.Unlock("1"));
        rig.Text("status").ShouldBe("Unknown");
        rig.Text("issue").ShouldBe("Jammed");
        rig.Text("result").ShouldBe("jammed");

        rig.Bolt.Jammed = false;
        rig.Bolt.Throws = false;
        rig.Clock.Advance(1);
        rig.Receive(rig.Unlock("2"));
        rig.Text("status").ShouldBe("Unlocked");
        rig.Text("issue").ShouldBeNull();
        rig.Text("result").ShouldBe("done");
    }

    [Fact]
    public void A_retained_command_is_ignored()
    {
        var rig = new LockRig();
        rig.Receive(rig.Unlock().Write(), retained: true);
        rig.ShouldNotHaveMoved(Refusal.Retained);
        rig.ShouldHaveStayedSilent();
    }

    [Fact]
    public void A_command_for_another_device_is_ignored()
    {
        var rig = new LockRig();
        rig.Receive(rig.Unlock() with { DeviceId = "ESP32-000000" });
        rig.ShouldNotHaveMoved(Refusal.OtherDevice);
        rig.ShouldHaveStayedSilent();
    }

    [Fact]
    public void A_command_under_another_key_is_refused_without_a_word()
    {
        var rig = new LockRig();
        rig.Receive(rig.Unlock() with { Key = OtherKey });
        rig.ShouldNotHaveMoved(Refusal.BadSignature);
        rig.ShouldHaveStayedSilent();
    }

    [Fact]
    public void A_wrongly_signed_message_cannot_push_out_the_verdict_of_a_genuine_command()
    {
        var rig = new LockRig();
        rig.Receive(rig.Unlock("genuine"));
        rig.Clock.Advance(5);

        rig.Receive(rig.Unlock("genuine") with { Key = OtherKey });
        rig.Receive(rig.Lock("garbage") with { Key = OtherKey });
        rig.TickFor(20_000);

        rig.Text("command_id").ShouldBe("genuine");
        rig.Text("result").ShouldBe("done");
        rig.Brain.RefusalsOf(Refusal.BadSignature).ShouldBe(2);
    }

    [Theory]
    [InlineData(-10_001, 10_000, Refusal.Expired, "expired")]
    [InlineData(-10_000, 10_000, Refusal.Expired, "expired")]
    [InlineData(0, 0, Refusal.Expired, "expired")]
    [InlineData(5, -1, Refusal.Expired, "expired")]
    [InlineData(0, 60_001, Refusal.Expired, "expired")]
    [InlineData(30_001, 10_000, Refusal.NotYetValid, "expired")]
    public void Outside_of_its_validity_it_moves_nothing(long issuedIn, long validFor, Refusal refusal, string result)
    {
        var rig = new LockRig();
        var issuedAt = rig.Clock.UnixMs + issuedIn;
        rig.Clock.UptimeMs += 1000;

        rig.Receive(rig.Unlock("late") with { IssuedAt = issuedAt, ExpiresAt = issuedAt + validFor });

        rig.ShouldNotHaveMoved(refusal);
        rig.Text("command_id").ShouldBe("late");
        rig.Text("result").ShouldBe(result);
    }

    [Theory]
    [InlineData(-9_999, 10_000)]
    [InlineData(30_000, 10_000)]
    [InlineData(0, 60_000)]
    [InlineData(0, 1)]
    public void Inside_of_it_it_does(long issuedIn, long validFor)
    {
        var rig = new LockRig();
        rig.Clock.Advance(10_000);
        var issuedAt = rig.Clock.UnixMs + issuedIn;
        rig.Receive(rig.Unlock() with { IssuedAt = issuedAt, ExpiresAt = issuedAt + validFor });
        rig.Bolt.Movements.ShouldBe(1);
    }

    [Fact]
    public void A_misdated_command_does_not_shut_out_the_rightly_dated_ones()
    {
        var rig = new LockRig();
        var nextYear = rig.Clock.UnixMs + (365L * 86_400_000);
        rig.Receive(rig.Unlock("misdated") with { IssuedAt = nextYear, ExpiresAt = nextYear + 10_000 });
        rig.Clock.Advance(1);

        rig.Receive(rig.Unlock("right"));

        rig.Bolt.Movements.ShouldBe(1);
        rig.Text("command_id").ShouldBe("right");
        rig.TickFor(10_000);
        rig.Text("command_id").ShouldBe("right");
    }

    [Fact]
    public void Nor_does_it_hide_the_refusals_of_those()
    {
        var rig = new LockRig();
        var held = rig.Unlock("held-back");
        var nextYear = rig.Clock.UnixMs + (365L * 86_400_000);
        rig.Receive(rig.Unlock("misdated") with { IssuedAt = nextYear, ExpiresAt = nextYear + 10_000 });
        rig.Clock.Advance(11_000);

        rig.Receive(held);
        rig.TickFor(10_000);

        rig.Text("command_id").ShouldBe("held-back");
        rig.Text("result").ShouldBe("expired");
    }

    [Theory]
    [InlineData("unlock")]
    [InlineData("OPEN")]
    [InlineData("UNLOCK2")]
    public void An_unknown_command_is_named_as_such(string name)
    {
        var rig = new LockRig();
        rig.Clock.UptimeMs += 1000;
        rig.Receive(rig.Unlock("odd") with { Command = name });
        rig.ShouldNotHaveMoved(Refusal.UnknownCommand);
        rig.Text("command_id").ShouldBe("odd");
        rig.Text("result").ShouldBe("unknown_command");
    }

    [Fact]
    public void Without_a_set_clock_it_refuses_and_says_so()
    {
        var rig = new LockRig();
        var unlock = rig.Unlock();
        rig.Clock.UnixMs = 0;
        rig.Receive(unlock);
        rig.ShouldNotHaveMoved(Refusal.ClockNotSet);
        rig.TickFor(2000);
        rig.Text("issue").ShouldBe("Clock not set");
        rig.LastReport.GetProperty("command_id").GetString().ShouldBeNull();

        rig.Clock.UnixMs = ManualClock.Start + 3000;
        rig.TickFor(2000);
        rig.Text("issue").ShouldBeNull();
        rig.Receive(unlock);
        rig.ShouldNotHaveMoved(Refusal.Replayed);
        rig.Receive(rig.Unlock("again"));
        rig.Bolt.Movements.ShouldBe(1);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("0123456789abcdef")]
    public void A_command_for_another_start_is_refused_and_told_as_expired(string? boot)
    {
        var rig = new LockRig();
        rig.Clock.UptimeMs += 1000;

        rig.Receive(rig.Unlock("elsewhere") with { Boot = boot });

        rig.ShouldNotHaveMoved(Refusal.OtherBoot);
        rig.Text("command_id").ShouldBe("elsewhere");
        rig.Text("result").ShouldBe("expired");
    }

    [Fact]
    public void Whatever_the_clock_says()
    {
        var rig = new LockRig();
        var unlock = rig.Unlock();
        rig.Reboot();
        rig.Clock.UnixMs = 0;

        rig.Receive(unlock);

        rig.ShouldNotHaveMoved(Refusal.OtherBoot);
    }

    [Fact]
    public void A_misdated_command_does_not_fire_when_its_time_comes()
    {
        var rig = new LockRig();
        var inTwoHours = rig.Clock.UnixMs + 7_200_000;
        var (first, last) = (At("first", 0), At("last", 1000));
        rig.Receive(first);
        rig.Receive(last);
        rig.Clock.Advance(7_200_000);

        rig.Receive(first);
        rig.Receive(last);
        rig.Bolt.Movements.ShouldBe(0);
        rig.Brain.RefusalsOf(Refusal.Replayed).ShouldBe(2);

        rig.Clock.Advance(2000);
        rig.Receive(rig.Unlock("right"));
        rig.Bolt.Movements.ShouldBe(1);

        // More than it remembers one by one.
        var hours = Enumerable.Range(1, 40).Select(i => rig.Clock.UnixMs + (i * 3_600_000L)).ToArray();
        foreach (var hour in hours)
        {
            rig.Receive(rig.Unlock("many") with { IssuedAt = hour, ExpiresAt = hour + 10_000 });
        }

        foreach (var hour in hours)
        {
            rig.Clock.Advance(hour - rig.Clock.UnixMs);
            rig.Receive(rig.Unlock("many") with { IssuedAt = hour, ExpiresAt = hour + 10_000 });
        }

        rig.Bolt.Movements.ShouldBe(1);

        ServerPen At(string id, long ms) => rig.Unlock(id) with { IssuedAt = inTwoHours + ms, ExpiresAt = inTwoHours + ms + 10_000 };
    }

    [Theory]
    [InlineData("""{"device_id":"ESP32-7C9EBD"}""")]
    [InlineData("""{"command":"LOCK","device":"ESP32-7C9EBD"}""")]
    [InlineData("""{"device_id":null,"command":"LOCK","command_id":"1","issued_at":1,"expires_at":2,"signature":"0"}""")]
    [InlineData("""{"device_id":"ESP32-7C9EBD","command":"LOCK","command_id":"1","issued_at":"1","expires_at":2,"signature":"0"}""")]
    [InlineData("""{"device_id":"ESP32-7C9EBD","command":"LOCK","command_id":"1","issued_at":-1,"expires_at":2,"signature":"0"}""")]
    [InlineData("""{"device_id":"ESP32-7C9EBD","command":"LOCK","command_id":1,"issued_at":1,"expires_at":2,"signature":"0"}""")]
    [InlineData("""{"device_id":"ESP32-7C9EBD","command":"LO|CK","command_id":"1","issued_at":1,"expires_at":2,"signature":"0"}""")]
    [InlineData("""{"device_id":"ESP32-7C9EBD","command":"LOCK","command_id":"a b","issued_at":1,"expires_at":2,"signature":"0"}""")]
    [InlineData("""{"device_id":"ESP32-7C9EBD","command":"LOCK","command_id":"1","issued_at":1,"expires_at":0,"signature":null}""")]
    [InlineData("not json")]
    [InlineData("")]
    public void A_malformed_one_is_counted_and_nothing_else(string json)
    {
        var rig = new LockRig();
        rig.Receive(json.Bytes());
        rig.ShouldNotHaveMoved(Refusal.Malformed);
        rig.ShouldHaveStayedSilent();
    }

    [Theory]
    [InlineData("""{"device_id":"ESP32-7C9EBD" """)]
    [InlineData("""{"device_id":"ESP32-7C9EBD","command":"LOCK","command_id":"1","issued_at":"1","expires_at":2 """)]
    [InlineData("""{"command": """)]
    public void Also_when_it_is_signed(string members)
    {
        var rig = new LockRig();
        rig.Receive(ServerPen.Signed(LockRig.KeyHex, "v2|cmd|", members));
        rig.ShouldNotHaveMoved(Refusal.Malformed);
        rig.ShouldHaveStayedSilent();
    }

    [Fact]
    public void Members_it_does_not_know_are_left_aside()
    {
        var rig = new LockRig();
        var unlock = rig.Unlock();
        rig.Receive(ServerPen.Signed(
            LockRig.KeyHex,
            "v2|cmd|",
            $$"""{"device":"x","note":true,"device_id":"{{LockRig.DeviceId}}","command":"UNLOCK","command_id":"1","issued_at":{{unlock.IssuedAt}},"expires_at":{{unlock.ExpiresAt}},"boot":"{{rig.Brain.Boot}}" """));
        rig.Bolt.Movements.ShouldBe(1);
    }

    [Fact]
    public void Members_that_somebody_adds_break_the_signature()
    {
        var rig = new LockRig();
        var json = rig.Unlock().Json(rig.Unlock().Signature);
        rig.Receive(json.Replace("{", "{\"note\":true,", StringComparison.Ordinal).Bytes());
        rig.ShouldNotHaveMoved(Refusal.BadSignature);
    }
}
