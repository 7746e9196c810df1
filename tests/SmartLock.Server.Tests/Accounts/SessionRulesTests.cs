using SmartLock.Server.Accounts;
using SmartLock.Server.Tests.Storage;

namespace SmartLock.Server.Tests.Accounts;

public sealed class SessionRulesTests
{
    private static readonly DateTimeOffset Now = StoreSet.Noon;

    [Theory]
    [InlineData(false, false, 1, nameof(RotateOutcome.Rotated))]
    [InlineData(true, false, 1, nameof(RotateOutcome.Disabled))]
    [InlineData(false, true, 1, nameof(RotateOutcome.Reused))]
    [InlineData(true, true, 1, nameof(RotateOutcome.Reused))]
    [InlineData(false, false, 0, nameof(RotateOutcome.Unknown))]
    [InlineData(false, true, -1, nameof(RotateOutcome.Unknown))]
    public void A_refresh_token_is_rotated_only_for_an_enabled_account_once_and_in_time(
        bool isDisabled, bool isUsed, int secondsLeft, string outcome)
    {
        var account = new User("ada", null, "hash", Role.User, Now, isDisabled);
        SessionRules.Rotate("S1", account, Now.AddSeconds(secondsLeft), isUsed, Now).Outcome.ToString().ShouldBe(outcome);
    }

    [Fact]
    public void A_refresh_token_of_a_deleted_account_is_unknown() =>
        SessionRules.Rotate("S1", null, Now.AddDays(1), isUsed: false, Now).Outcome.ShouldBe(RotateOutcome.Unknown);
}
