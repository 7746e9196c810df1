using SmartLock.Server.Accounts;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Accounts;

public sealed class LoginThrottleTests
{
    private const string Home = "192.0.2.1";
    private readonly FakeClock _clock = new();
    private readonly LoginThrottle _slowdown;
    private int _addresses;

    public LoginThrottleTests() => _slowdown = new LoginThrottle(_clock);

    [Fact]
    public void The_wait_doubles_with_each_failure_up_to_a_minute()
    {
        WaitsOf(LoginThrottle.FreePerAccountAndAddress + 8).ShouldBe([1, 2, 4, 8, 16, 32, 60, 60]);
    }

    [Fact]
    public void Attempts_made_at_once_do_not_all_get_through()
    {
        var attempts = Enumerable.Range(0, 100).Select(_ => _slowdown.TryBegin("anna", Home, isKnown: false, out var _)).ToList();

        attempts.Count(a => a is not null).ShouldBe(LoginThrottle.FreePerAccountAndAddress);
        attempts.ForEach(a => a?.Dispose());
    }

    [Fact]
    public void Beyond_the_free_ones_they_come_one_by_one()
    {
        for (var i = 0; i < LoginThrottle.FreePerAccountAndAddress; i++)
        {
            Fail("anna", Home);
        }

        _clock.Advance(TimeSpan.FromMinutes(2));
        using var first = _slowdown.TryBegin("anna", Home, isKnown: false, out _);

        first.ShouldNotBeNull();
        _slowdown.TryBegin("anna", Home, isKnown: false, out var wait).ShouldBeNull();
        wait.ShouldBe(TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void Success_frees_the_account()
    {
        for (var i = 0; i < 20; i++)
        {
            Fail("anna", Home).ShouldBeTrue();
            Succeed("anna", Home).ShouldBeTrue();
        }
    }

    [Fact]
    public void Strangers_elsewhere_never_hold_the_owner_out()
    {
        for (var i = 0; i < 2_000; i++)
        {
            Fail("anna", NewAddress());
            if (i % 400 == 0)
            {
                Succeed("anna", Home).ShouldBeTrue();
                Succeed("anna", NewAddress()).ShouldBeTrue("nor at an address that was never seen before");
            }
        }
    }

    [Fact]
    public void Under_siege_each_address_has_one_free_failure_and_waits_longer()
    {
        for (var i = 0; i < LoginThrottle.Siege; i++)
        {
            Fail("anna", NewAddress());
        }

        WaitsOf(LoginThrottle.FreeUnderSiege + 10).ShouldBe([1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
    }

    [Fact]
    public void An_attempt_that_was_not_looked_at_counts_for_nothing()
    {
        for (var i = 0; i < 1_000; i++)
        {
            using var attempt = _slowdown.TryBegin("anna", Home, isKnown: false, out _);
            attempt.ShouldNotBeNull();
        }
    }

    [Fact]
    public void One_that_was_not_looked_at_neither_frees_nor_shortens()
    {
        for (var i = 0; i < LoginThrottle.FreePerAccountAndAddress; i++)
        {
            Fail("anna", Home);
            _slowdown.TryBegin("anna", Home, isKnown: false, out _)?.Dispose();
        }

        _slowdown.TryBegin("anna", Home, isKnown: false, out var wait).ShouldBeNull();
        wait.ShouldBe(TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void One_address_is_slowed_down_over_all_accounts_and_others_are_not()
    {
        var permitted = Enumerable.Range(0, 200).Count(i => Fail($"account{i}", Home));

        permitted.ShouldBe(LoginThrottle.FreePerAddress);
        Fail("somebody", "192.0.2.2").ShouldBeTrue();
    }

    [Fact]
    public void An_account_of_ones_own_buys_no_guesses_at_others()
    {
        var guesses = 0;
        for (var i = 0; i < 200; i++)
        {
            Succeed("mine", Home);
            guesses += Fail($"account{i}", Home) ? 1 : 0;
        }

        guesses.ShouldBe(LoginThrottle.FreePerAddress);
    }

    [Fact]
    public void After_a_quiet_while_all_is_forgotten()
    {
        for (var i = 0; i < 20; i++)
        {
            Fail("anna", Home);
            _clock.Advance(TimeSpan.FromMinutes(1));
        }

        _clock.Advance(FailureCounts.Forgotten + TimeSpan.FromSeconds(1));

        Enumerable.Range(0, 100).Count(_ => Fail("anna", Home)).ShouldBe(LoginThrottle.FreePerAccountAndAddress);
    }

    [Fact]
    public void Codes_are_counted_for_the_account_from_wherever_they_come()
    {
        var waits = new List<double>();
        for (var i = 0; i < LoginThrottle.FreeCodes + 11; i++)
        {
            LoginThrottle.Attempt? attempt;
            while ((attempt = _slowdown.TryBeginCode("anna", out var wait)) is null)
            {
                waits.Add(wait.TotalSeconds);
                _clock.Advance(wait);
            }

            attempt.Failed();
        }

        waits.ShouldBe([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]);
    }

    [Theory]
    [InlineData(-365 * 24)]
    [InlineData(-2)]
    [InlineData(2)]
    [InlineData(365 * 24)]
    public void A_clock_that_is_set_makes_no_wait_longer_or_shorter(int hours)
    {
        WaitsOf(LoginThrottle.FreePerAccountAndAddress + 3).ShouldBe([1, 2, 4]);

        _clock.Set(TimeSpan.FromHours(hours));

        _slowdown.TryBegin("anna", Home, isKnown: false, out var wait).ShouldBeNull();
        wait.ShouldBe(TimeSpan.FromSeconds(8));
        _clock.Advance(wait);
        Succeed("anna", Home).ShouldBeTrue();
    }

    [Fact]
    public void However_long_a_siege_lasts_few_refusals_go_on_the_record()
    {
        var recorded = 0;
        for (var second = 0; second < 24 * 3600; second++)
        {
            recorded += _slowdown.TryRecord("anna", "password") ? 1 : 0;
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        recorded.ShouldBeInRange(LoginThrottle.FreeRecords + 100, LoginThrottle.FreeRecords + 200);
        _slowdown.TryRecord("anna", "second factor").ShouldBeTrue("one flood must not hide another reason");
        _slowdown.TryRecord("bert", "password").ShouldBeTrue();
    }

    /// <summary>Else each spelling of a name would have free guesses of its own.</summary>
    [Fact]
    public void Whatever_is_one_name_to_the_store_is_one_name_here()
    {
        var counts = new FailureCounts(3, 1 << 16);
        var letters = Enumerable.Range('A', 26).ToDictionary(c => ((char)c).ToString(), c => counts.Find(((char)c).ToString()));
        for (var c = 1; c < char.MaxValue; c++)
        {
            var text = ((char)c).ToString();
            if (letters.TryGetValue(text.ToUpperInvariant(), out var cells))
            {
                counts.Find(text).ShouldBe(cells, $"U+{c:X4}");
            }
        }
    }

    /// <summary>What an address waits for, failing as often at one account.</summary>
    private List<double> WaitsOf(int failures)
    {
        var waits = new List<double>();
        for (var i = 0; i < failures; i++)
        {
            LoginThrottle.Attempt? attempt;
            while ((attempt = _slowdown.TryBegin("anna", Home, isKnown: false, out var wait)) is null)
            {
                waits.Add(wait.TotalSeconds);
                _clock.Advance(wait);
            }

            attempt.Failed();
        }

        return waits;
    }

    private bool Fail(string username, string address)
    {
        using var attempt = _slowdown.TryBegin(username, address, isKnown: false, out _);
        attempt?.Failed();
        return attempt is not null;
    }

    private bool Succeed(string username, string address)
    {
        using var attempt = _slowdown.TryBegin(username, address, isKnown: false, out _);
        attempt?.Succeeded();
        return attempt is not null;
    }

    private string NewAddress() => $"198.51.{_addresses / 256 % 256}.{_addresses++ % 256}";
}
