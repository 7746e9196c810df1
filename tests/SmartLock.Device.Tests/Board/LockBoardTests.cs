using SmartLock.Device.Tests.Rig;

namespace SmartLock.Device.Tests.Board;

public sealed class LockBoardTests
{
    private readonly BoardRig _rig = new();

    private string? Issue => _rig.Link.Published[^1].Report.GetProperty("issue").GetString();

    private ServerPen Unlock() => new() { IssuedAt = _rig.Clock.UnixMs, ExpiresAt = _rig.Clock.UnixMs + 10_000, Boot = _rig.Board.Brain.Boot };

    [Fact]
    public void The_green_light_follows_an_unlock()
    {
        Live(
            () => _rig.Link.Deliver(Unlock().Write()),
            () =>
            {
                _rig.Green.Lit.ShouldBeTrue();
                _rig.Red.Lit.ShouldBeFalse();
            });
    }

    [Fact]
    public void A_refused_command_flickers()
    {
        var seen = new HashSet<(bool, bool)>();
        _rig.Passed = () => seen.Add((_rig.Red.Lit, _rig.Green.Lit));
        Live(() => _rig.Link.Deliver((Unlock() with { Key = new string('0', 64) }).Write()), () => { });

        seen.ShouldContain((true, true));
        _rig.Board.Brain.RefusedCommands.ShouldBe(1);
    }

    [Fact]
    public void The_button_locks_once_a_press_without_a_server_or_a_clock()
    {
        _rig.Bolt.Position = BoltStatus.Unlocked;
        _rig.Clock.UnixMs = 0;
        _rig.Pass(1000);
        _rig.Button.IsActive = true;
        _rig.Pass(5000);

        _rig.Bolt.Movements.ShouldBe(1);
        _rig.Bolt.Position.ShouldBe(BoltStatus.Locked);
        _rig.Button.IsActive = false;
        _rig.Pass(200);
        _rig.Bolt.Position = BoltStatus.Unlocked;
        _rig.Button.IsActive = true;
        _rig.Pass(200);
        _rig.Bolt.Movements.ShouldBe(2);
    }

    [Fact]
    public void A_press_is_told_at_once()
    {
        _rig.Bolt.Position = BoltStatus.Unlocked;
        long pressedAt = 0;
        Live(
            () =>
            {
                _rig.Button.IsActive = true;
                pressedAt = _rig.Clock.UptimeMs;
            },
            () =>
            {
                var told = _rig.Link.Published.First(p => p.At > pressedAt);
                told.Report.GetProperty("status").GetString().ShouldBe("Locked");
                (told.At - pressedAt).ShouldBeLessThan(200);
            });
    }

    [Fact]
    public void A_button_that_is_held_at_the_start_presses_nothing_until_it_was_let_go()
    {
        var line = new FakeInput { IsActive = true };
        var button = new LockButton(line);
        Enumerable.Range(0, 20).ShouldAllBe(_ => !button.IsPressedNow());
        line.IsActive = false;
        Enumerable.Range(0, 3).ShouldAllBe(_ => !button.IsPressedNow());
        line.IsActive = true;
        Enumerable.Range(0, 20).Count(_ => button.IsPressedNow()).ShouldBe(1);
    }

    [Fact]
    public void A_contact_that_bounces_is_one_press()
    {
        var line = new FakeInput();
        var button = new LockButton(line);
        var presses = 0;
        foreach (var level in "0101011111111101011010000000")
        {
            line.IsActive = level == '1';
            presses += button.IsPressedNow() ? 1 : 0;
        }

        presses.ShouldBe(1);
    }

    [Fact]
    public void An_open_door_under_a_thrown_bolt_is_an_issue_and_under_a_drawn_one_is_none()
    {
        Live(
            () => _rig.Gauges.IsDoorOpen = true,
            () =>
            {
                Issue.ShouldBe("Door open");
                _rig.Link.Deliver(Unlock().Write());
            },
            third: () => Issue.ShouldBeNull());
    }

    [Fact]
    public void The_battery_line_is_an_issue()
    {
        Live(() => _rig.Gauges.IsBatteryLow = true, () => Issue.ShouldBe("Low battery"));
    }

    [Fact]
    public void Connected_with_a_set_clock_all_is_well()
    {
        Live(() => { }, () => _rig.Board.Signal.ShouldBe(Signal.Well));
        _rig.Board.Signal.ShouldBe(Signal.NoBroker);
    }

    /// <summary>A real thread's waits are longer than what it asked for.</summary>
    [Theory]
    [InlineData(51)]
    [InlineData(60)]
    [InlineData(90)]
    public void No_heartbeat_leaves_later_than_a_tick_after_its_time(int tickMs)
    {
        Live(
            () =>
            {
                _rig.TicksStand = true;
                for (var i = 0; i < 100_000 / tickMs; i++)
                {
                    _rig.Clock.Advance(tickMs);
                    _rig.Board.Tick();
                    _rig.Link.AcknowledgeAll();
                }
            },
            () => { });

        var sent = _rig.Link.Published.ConvertAll(p => p.At);
        sent.Count.ShouldBeGreaterThan(10);
        sent.Zip(sent.Skip(1), (a, b) => b - a).ShouldAllBe(gap => gap < 9000 + tickMs);
    }

    [Theory]
    [InlineData(51)]
    [InlineData(60)]
    [InlineData(90)]
    public void No_blink_is_lost_between_two_ticks(int tickMs)
    {
        _rig.IsUp = true;
        var blinks = 0;
        var lit = true;
        const int Groups = 50;
        for (var passed = 0; passed < Groups * SignalLights.GroupMs; passed += tickMs)
        {
            _rig.Clock.Advance(tickMs);
            _rig.Board.Tick();
            blinks += lit && !_rig.Red.Lit ? 1 : 0;
            lit = _rig.Red.Lit;
        }

        blinks.ShouldBeInRange((Groups * 2) - 2, (Groups * 2) + 2);
    }

    /// <summary>One connection, lost after ten seconds.</summary>
    private void Live(Action first, Action second, Action? third = null)
    {
        _rig.After(5000, first);
        _rig.After(6500, second);
        _rig.After(9500, third ?? (() => { }));
        _rig.After(12_000, () => _rig.Link.Drop());
        _rig.Board.Connect();
        _rig.Clock.UptimeMs.ShouldBeGreaterThan(12_000);
    }
}
