using System.Security.Cryptography;
using SmartLock.Server.Accounts;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Tests.Storage;

public abstract class SessionStoreContract : StoreContract
{
    private const int Most = 50;
    private static readonly DateTimeOffset Noon = StoreSet.Noon;
    private static readonly TimeSpan Month = TimeSpan.FromDays(30);
    private int _ids;

    [Fact]
    public async Task An_opened_session_is_found_with_its_account_and_listed()
    {
        var user = await UserAsync("Ada");
        var id = await OpenAsync(user, "t1");

        (await FindAsync(id)).ShouldBe(new SessionAccount(id, "Ada", Role.User));
        (await Stores.Sessions.ListAsync("ADA", Noon, default)).ShouldBe([new Session(id, Noon, Noon, Noon + Month, "curl/8", "192.0.2.1")]);
        (await Stores.Sessions.ListAsync("bob", Noon, default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Networks_that_an_account_was_signed_in_from_are_known_the_last_ones_only()
    {
        var user = await UserAsync("ada");
        (await Stores.Sessions.AnyAsync(default)).ShouldBeFalse();
        for (var i = 0; i <= KnownNetworks.Most; i++)
        {
            var session = New($"S{i}", $"t{i}") with { Address = $"192.0.{i}.7", CreatedAt = Noon.AddMinutes(i) };
            (await Stores.Sessions.OpenAsync(user, session, Most, default)).Outcome.ShouldBe(OpenSessionOutcome.Opened);
        }

        (await IsKnownAsync("ADA", $"192.0.{KnownNetworks.Most}.200")).ShouldBeTrue("a neighbour of the address, and the name without case");
        (await IsKnownAsync("ada", "192.0.1.7")).ShouldBeTrue();
        (await IsKnownAsync("ada", "192.0.0.7")).ShouldBeFalse("the one not signed in from for longest");
        (await IsKnownAsync("bob", "192.0.1.7")).ShouldBeFalse();
        (await Stores.Sessions.AnyAsync(default)).ShouldBeTrue();

        // One that is used again is the last one again.
        await Stores.Sessions.OpenAsync(user, New("S90", "t90") with { Address = "192.0.1.9", CreatedAt = Noon.AddHours(1) }, Most, default);
        await Stores.Sessions.OpenAsync(user, New("S91", "t91") with { Address = "2001:db8:1:2::", CreatedAt = Noon.AddHours(2) }, Most, default);
        (await IsKnownAsync("ada", "192.0.1.7")).ShouldBeTrue();
        (await IsKnownAsync("ada", "192.0.2.7")).ShouldBeFalse();
        (await IsKnownAsync("ada", "2001:db8:1:ffff::")).ShouldBeTrue("of the same /48");

        (await Stores.Users.DeleteAsync("ada", "ada", Noon, default)).ShouldBe(DeleteUserOutcome.Deleted);
        (await IsKnownAsync("ada", "192.0.1.7")).ShouldBeFalse();
    }

    private Task<bool> IsKnownAsync(string username, string address) =>
        Stores.Sessions.IsKnownNetworkAsync(username, ClientAddress.NetworkOf(address), default);

    [Fact]
    public async Task A_session_is_not_opened_on_a_password_that_was_changed_meanwhile()
    {
        var user = await UserAsync("ada");
        (await Stores.Users.ChangePasswordAsync(user, "h2", Noon, default)).ShouldBe(ChangePasswordOutcome.Changed);

        (await Stores.Sessions.OpenAsync(user, New("S1", "t1"), Most, default)).Outcome.ShouldBe(OpenSessionOutcome.Stale);
        await OpenAsync(user with { PasswordVersion = 1 }, "t1");
    }

    [Fact]
    public async Task A_session_is_not_opened_past_a_second_factor_that_was_enabled_meanwhile()
    {
        var user = await UserAsync("ada");
        await Stores.SecondFactors.BeginAsync("ada", [1], default);
        await OpenAsync(user, "t1");
        (await Stores.SecondFactors.ConfirmAsync("ada", [1], 5, [], Noon, default)).ShouldBe(ConfirmSecondFactorOutcome.Enabled);

        (await Stores.Sessions.OpenAsync(user, New("S9", "t2"), Most, default)).Outcome.ShouldBe(OpenSessionOutcome.Stale);
        await OpenAsync((await Stores.Users.FindAsync("ada", default))!, "t2");
    }

    [Fact]
    public async Task A_hash_that_is_only_renewed_hinders_no_session()
    {
        var user = await UserAsync("ada");
        (await Stores.Users.ReplacePasswordHashAsync("ada", "hash", "h2", default)).ShouldBeTrue();

        await OpenAsync(user, "t1");
    }

    [Fact]
    public async Task A_disabled_or_missing_account_opens_no_session_and_has_none()
    {
        var user = await UserAsync("ada");
        var id = await OpenAsync(user, "t1");
        await Stores.Users.UpdateAsync("ada", new UserChange(Disabled: true), "root", Noon, default);

        (await Stores.Sessions.OpenAsync(user, New("S2", "t2"), Most, default)).Outcome.ShouldBe(OpenSessionOutcome.Stale);
        (await Stores.Sessions.OpenAsync(user with { Username = "bob" }, New("S3", "t3"), Most, default)).Outcome.ShouldBe(OpenSessionOutcome.Stale);
        (await FindAsync(id)).ShouldBeNull();
        await Stores.Users.UpdateAsync("ada", new UserChange(Disabled: false), "root", Noon, default);
        (await FindAsync(id)).ShouldBeNull("what was ended stays ended");
    }

    [Fact]
    public async Task One_session_too_many_ends_the_one_not_used_for_longest()
    {
        var user = await UserAsync("ada");
        var first = await OpenAsync(user, "t1", most: 2);
        var second = await OpenAsync(user, "t2", most: 2);
        await RotateAsync("t1", "t1b", Noon.AddHours(1));

        var result = await Stores.Sessions.OpenAsync(user, New("S9", "t3"), 2, default);

        result.Ended.ShouldBe([second]);
        (await Stores.Sessions.ListAsync("ada", Noon, default)).Select(s => s.Id).ShouldBe(["S9", first]);
    }

    [Fact]
    public async Task A_rotated_token_gives_way_to_the_next_and_extends_the_session()
    {
        var id = await OpenAsync(await UserAsync("ada"), "t1");
        var later = Noon.AddDays(20);

        var result = await RotateAsync("t1", "t2", later);

        result.ShouldBe(new RotateResult(RotateOutcome.Rotated, new SessionAccount(id, "ada", Role.User)));
        var session = (await Stores.Sessions.ListAsync("ada", later, default)).ShouldHaveSingleItem();
        (session.LastUsedAt, session.ExpiresAt, session.Address).ShouldBe((later, later + Month, "192.0.2.9"));
        (await RotateAsync("t2", "t3", later)).Outcome.ShouldBe(RotateOutcome.Rotated);
    }

    [Fact]
    public async Task A_token_used_twice_ends_its_session_and_no_other()
    {
        var user = await UserAsync("ada");
        var id = await OpenAsync(user, "t1");
        var other = await OpenAsync(user, "u1");
        await RotateAsync("t1", "t2");
        await RotateAsync("t2", "t3");

        (await RotateAsync("t1", "t9")).ShouldBe(new RotateResult(RotateOutcome.Reused, new SessionAccount(id, "ada", Role.User)));

        (await FindAsync(id)).ShouldBeNull();
        (await FindAsync(other)).ShouldNotBeNull();
        (await RotateAsync("t3", "t4")).Outcome.ShouldBe(RotateOutcome.Unknown);
        (await RotateAsync("t1", "t4")).Outcome.ShouldBe(RotateOutcome.Unknown);
    }

    [Fact]
    public async Task Of_many_that_use_a_token_at_once_one_gets_the_next_and_the_session_ends()
    {
        var id = await OpenAsync(await UserAsync("ada"), "t1");

        var results = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => RotateAsync("t1", $"n{i}")));

        results.Count(r => r.Outcome == RotateOutcome.Rotated).ShouldBe(1);
        results.Count(r => r.Outcome == RotateOutcome.Reused).ShouldBe(1);
        (await FindAsync(id)).ShouldBeNull();
    }

    [Fact]
    public async Task Used_tokens_are_remembered_as_far_back_as_promised_and_no_further()
    {
        var id = await OpenAsync(await UserAsync("ada"), "t0");
        for (var i = 0; i <= UsedTokens.Remembered; i++)
        {
            (await RotateAsync($"t{i}", $"t{i + 1}")).Outcome.ShouldBe(RotateOutcome.Rotated);
        }

        (await RotateAsync("t0", "x")).Outcome.ShouldBe(RotateOutcome.Unknown);
        (await FindAsync(id)).ShouldNotBeNull();
        (await RotateAsync("t1", "x")).Outcome.ShouldBe(RotateOutcome.Reused);
    }

    [Fact]
    public async Task An_expired_session_is_none_and_is_deleted_in_batches()
    {
        var user = await UserAsync("ada");
        var ids = new[] { await OpenAsync(user, "t1"), await OpenAsync(user, "t2"), await OpenAsync(user, "t3") };
        var end = Noon + Month;

        (await Stores.Sessions.FindAsync(ids[0], end, default)).ShouldBeNull();
        (await RotateAsync("t1", "t9", end)).Outcome.ShouldBe(RotateOutcome.Unknown);
        (await Stores.Sessions.ListAsync("ada", end, default)).ShouldBeEmpty();
        (await Stores.Sessions.DeleteExpiredAsync(end.AddMilliseconds(-1), 10, default)).ShouldBeEmpty();
        (await Stores.Sessions.DeleteExpiredAsync(end, 2, default)).Count.ShouldBe(2);
        (await Stores.Sessions.DeleteExpiredAsync(end, 2, default)).ShouldHaveSingleItem().Username.ToLowerInvariant().ShouldBe("ada");
    }

    [Fact]
    public async Task Ending_a_session_takes_its_tokens_and_only_its_owner_can()
    {
        var user = await UserAsync("ada");
        await UserAsync("bob");
        var id = await OpenAsync(user, "t1");

        (await Stores.Sessions.EndAsync("bob", id, default)).ShouldBe(EndSessionOutcome.NotFound);
        (await Stores.Sessions.EndAsync("ADA", id, default)).ShouldBe(EndSessionOutcome.Ended);
        (await Stores.Sessions.EndAsync("ada", id, default)).ShouldBe(EndSessionOutcome.NotFound);
        (await RotateAsync("t1", "t2")).Outcome.ShouldBe(RotateOutcome.Unknown);
    }

    [Fact]
    public async Task A_session_is_ended_by_any_token_it_had()
    {
        var id = await OpenAsync(await UserAsync("ada"), "t1");
        await RotateAsync("t1", "t2");

        (await Stores.Sessions.EndByTokenAsync(Hash("nobody's"), default)).ShouldBeNull();
        (await Stores.Sessions.EndByTokenAsync(Hash("t1"), default))!.SessionId.ShouldBe(id);
        (await Stores.Sessions.EndByTokenAsync(Hash("t1"), default)).ShouldBeNull();
        (await FindAsync(id)).ShouldBeNull();
    }

    [Fact]
    public async Task All_others_are_ended_but_one_and_nobody_elses()
    {
        var user = await UserAsync("ada");
        var (keep, first, second) = (await OpenAsync(user, "t1"), await OpenAsync(user, "t2"), await OpenAsync(user, "t3"));
        var bobs = await OpenAsync(await UserAsync("bob"), "t4");

        (await Stores.Sessions.EndOthersAsync("ada", keep, default)).ShouldBe([first, second], ignoreOrder: true);

        (await FindAsync(keep)).ShouldNotBeNull();
        (await FindAsync(bobs)).ShouldNotBeNull();
    }

    [Fact]
    public async Task A_changed_password_ends_all_sessions()
    {
        var user = await UserAsync("ada");
        var id = await OpenAsync(user, "t1");

        (await Stores.Users.ChangePasswordAsync(user, "h2", Noon, default)).ShouldBe(ChangePasswordOutcome.Changed);
        (await Stores.Users.ChangePasswordAsync(user, "h3", Noon, default)).ShouldBe(ChangePasswordOutcome.Stale);

        (await FindAsync(id)).ShouldBeNull();
        (await Stores.Users.FindAsync("ada", default))!.PasswordHash.ShouldBe("h2");
    }

    private async Task<User> UserAsync(string name)
    {
        var user = new User(name, null, "hash", Role.User, Noon, false);
        (await Stores.Users.CreateAsync(user, default)).ShouldBe(CreateUserOutcome.Created);
        return user;
    }

    private async Task<string> OpenAsync(User user, string token, int most = Most)
    {
        var id = $"S{++_ids}";
        (await Stores.Sessions.OpenAsync(user, New(id, token), most, default)).Outcome.ShouldBe(OpenSessionOutcome.Opened);
        return id;
    }

    private Task<SessionAccount?> FindAsync(string id) => Stores.Sessions.FindAsync(id, Noon, default);

    private Task<RotateResult> RotateAsync(string token, string next, DateTimeOffset? at = null) =>
        Stores.Sessions.RotateAsync(new Rotation(Hash(token), Hash(next), at ?? Noon, (at ?? Noon) + Month, "192.0.2.9"), default);

    private static NewSession New(string id, string token) => new(id, Hash(token), Noon, Noon + Month, "curl/8", "192.0.2.1");

    private static byte[] Hash(string token) => SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(token));
}
