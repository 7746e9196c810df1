using SmartLock.Server.Accounts;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Accounts;

public sealed class LoginSlowdownTests
{
    private readonly FakeClock _clock = new();
    private readonly LoginSlowdown _slowdown;
    private int _addresses;

    public LoginSlowdownTests() => _slowdown = new LoginSlowdown(_clock);

    [Fact]
    public void The_wait_doubles_with_each_failure_up_to_a_minute()
    {
        var waits = new List<double>();
        for (var i = 0; i < LoginSlowdown.FreePerAccount + 8; i++)
        {
            while (_slowdown.TryBegin("anna", NewAddress()) is { } wait)
            {
                waits.Add(wait.TotalSeconds);
                _clock.Advance(wait);
            }
        }

        waits.ShouldBe([1, 2, 4, 8, 16, 32, 60, 60]);
    }

    [Fact]
    public void Attempts_made_at_once_all_count()
    {
        var permitted = Enumerable.Range(0, 100).Count(_ => _slowdown.TryBegin("anna", NewAddress()) is null);

        permitted.ShouldBe(LoginSlowdown.FreePerAccount);
    }

    [Fact]
    public void Success_frees_the_account()
    {
        for (var i = 0; i < 50; i++)
        {
            _slowdown.TryBegin("anna", "192.0.2.1").ShouldBeNull();
            _slowdown.Succeeded("anna", "192.0.2.1");
        }
    }

    [Fact]
    public void One_address_is_slowed_down_over_all_accounts_and_others_are_not()
    {
        var permitted = Enumerable.Range(0, 200).Count(i => _slowdown.TryBegin($"account{i}", "192.0.2.1") is null);

        permitted.ShouldBe(LoginSlowdown.FreePerAddress);
        _slowdown.TryBegin("somebody", "192.0.2.2").ShouldBeNull();
    }

    [Fact]
    public void An_account_of_ones_own_buys_no_guesses_at_others()
    {
        var guesses = 0;
        for (var i = 0; i < 200; i++)
        {
            if (_slowdown.TryBegin("mine", "192.0.2.1") is null)
            {
                _slowdown.Succeeded("mine", "192.0.2.1");
            }

            guesses += _slowdown.TryBegin($"account{i}", "192.0.2.1") is null ? 1 : 0;
        }

        guesses.ShouldBeLessThanOrEqualTo(LoginSlowdown.FreePerAddress);
    }

    [Fact]
    public void After_a_quiet_while_all_is_forgotten()
    {
        for (var i = 0; i < 20; i++)
        {
            _slowdown.TryBegin("anna", NewAddress());
        }

        _clock.Advance(LoginSlowdown.Forgotten + TimeSpan.FromSeconds(1));

        Enumerable.Range(0, 100).Count(_ => _slowdown.TryBegin("anna", NewAddress()) is null).ShouldBe(LoginSlowdown.FreePerAccount);
    }

    private string NewAddress() => $"198.51.100.{_addresses++}";
}
