using SmartLock.Server.Accounts;

namespace SmartLock.Server.Tests.Storage;

public abstract class SecondFactorStoreContract : StoreContract
{
    private static readonly byte[] Secret = [1, 2, 3];
    private static readonly DateTimeOffset Noon = StoreSet.Noon;

    [Fact]
    public async Task A_pending_one_does_not_count_and_may_be_begun_anew()
    {
        await UserAsync();
        (await BeginAsync(Secret)).ShouldBe(BeginSecondFactorOutcome.Pending);
        (await BeginAsync([4, 5])).ShouldBe(BeginSecondFactorOutcome.Pending);

        var pending = await Stores.SecondFactors.FindAsync("ADA", default);
        pending!.IsConfirmed.ShouldBeFalse();
        pending.ProtectedSecret.ShouldBe([4, 5]);
        (await Stores.Users.FindAsync("ada", default))!.HasSecondFactor.ShouldBeFalse();
        (await Stores.SecondFactors.UseStepAsync("ada", 5, default)).ShouldBe(UseCodeOutcome.Replayed);
        (await ConfirmAsync(Secret, 7)).ShouldBe(ConfirmSecondFactorOutcome.NotPending, "it is another secret by now");
    }

    [Fact]
    public async Task An_account_that_is_gone_gets_none()
    {
        (await BeginAsync(Secret)).ShouldBe(BeginSecondFactorOutcome.NoAccount);
        (await Stores.SecondFactors.FindAsync("ada", default)).ShouldBeNull();
    }

    [Fact]
    public async Task A_confirmed_one_counts_and_stays()
    {
        await EnableAsync();

        (await Stores.Users.FindAsync("ada", default))!.HasSecondFactor.ShouldBeTrue();
        (await BeginAsync([9])).ShouldBe(BeginSecondFactorOutcome.AlreadyEnabled);
        (await ConfirmAsync(Secret, 9)).ShouldBe(ConfirmSecondFactorOutcome.NotPending);
        (await Stores.SecondFactors.FindAsync("ada", default))!.ProtectedSecret.ShouldBe(Secret);
    }

    [Fact]
    public async Task Each_step_is_accepted_once_and_none_before_it()
    {
        await EnableAsync(step: 7);

        (await UseAsync(7)).ShouldBe(UseCodeOutcome.Replayed);
        (await UseAsync(9)).ShouldBe(UseCodeOutcome.Accepted);
        (await UseAsync(9)).ShouldBe(UseCodeOutcome.Replayed);
        (await UseAsync(8)).ShouldBe(UseCodeOutcome.Replayed);
        var results = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => UseAsync(10)));
        results.Count(r => r == UseCodeOutcome.Accepted).ShouldBe(1);
    }

    [Fact]
    public async Task A_recovery_code_is_good_once_whoever_is_first()
    {
        await EnableAsync();

        var results = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => RecoverAsync([1])));

        results.Count(r => r == UseRecoveryCodeOutcome.Accepted).ShouldBe(1);
        (await RecoverAsync([2])).ShouldBe(UseRecoveryCodeOutcome.Accepted);
        (await RecoverAsync([3])).ShouldBe(UseRecoveryCodeOutcome.Unknown);
    }

    [Fact]
    public async Task New_recovery_codes_replace_the_old_ones()
    {
        await EnableAsync();

        (await Stores.SecondFactors.ReplaceRecoveryCodesAsync("ada", [[7]], Noon, default)).ShouldBe(SecondFactorOutcome.Done);

        (await RecoverAsync([1])).ShouldBe(UseRecoveryCodeOutcome.Unknown);
        (await RecoverAsync([7])).ShouldBe(UseRecoveryCodeOutcome.Accepted);
        (await Stores.SecondFactors.ReplaceRecoveryCodesAsync("bob", [[7]], Noon, default)).ShouldBe(SecondFactorOutcome.NotEnabled);
    }

    [Fact]
    public async Task A_removed_one_is_gone_with_its_recovery_codes()
    {
        await EnableAsync();

        (await Stores.SecondFactors.RemoveAsync("ADA", "root", Noon, default)).ShouldBe(SecondFactorOutcome.Done);
        (await Stores.SecondFactors.RemoveAsync("ada", "root", Noon, default)).ShouldBe(SecondFactorOutcome.NotEnabled);

        (await Stores.Users.FindAsync("ada", default))!.HasSecondFactor.ShouldBeFalse();
        (await BeginAsync(Secret)).ShouldBe(BeginSecondFactorOutcome.Pending);
        (await RecoverAsync([1])).ShouldBe(UseRecoveryCodeOutcome.Unknown);
    }

    private Task<CreateUserOutcome> UserAsync() => Stores.Users.CreateAsync(new User("ada", null, "hash", Role.User, Noon, false), default);

    private async Task EnableAsync(long step = 7)
    {
        await UserAsync();
        await BeginAsync(Secret);
        (await ConfirmAsync(Secret, step)).ShouldBe(ConfirmSecondFactorOutcome.Enabled);
    }

    /// <summary>As after a code was used while the clock was two hours ahead.</summary>
    [Fact]
    public async Task A_step_used_far_ahead_does_not_lock_the_account_out()
    {
        await UserAsync();
        await BeginAsync(Secret);
        await ConfirmAsync(Secret, 10_240);

        (await UseAsync(10_240 - Totp.FarthestStep)).ShouldBe(UseCodeOutcome.Replayed);
        (await UseAsync(10_000)).ShouldBe(UseCodeOutcome.Accepted);
        (await UseAsync(10_000)).ShouldBe(UseCodeOutcome.Replayed);
        (await UseAsync(10_001)).ShouldBe(UseCodeOutcome.Accepted);
    }

    private Task<BeginSecondFactorOutcome> BeginAsync(byte[] secret) => Stores.SecondFactors.BeginAsync("ada", secret, default);

    private Task<ConfirmSecondFactorOutcome> ConfirmAsync(byte[] secret, long step) =>
        Stores.SecondFactors.ConfirmAsync("ada", secret, step, [[1], [2]], Noon, default);

    private Task<UseCodeOutcome> UseAsync(long step) => Stores.SecondFactors.UseStepAsync("ada", step, default);

    private Task<UseRecoveryCodeOutcome> RecoverAsync(byte[] hash) => Stores.SecondFactors.UseRecoveryCodeAsync("ada", hash, default);
}
