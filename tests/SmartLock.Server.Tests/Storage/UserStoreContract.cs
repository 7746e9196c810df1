using SmartLock.Server.Accounts;

namespace SmartLock.Server.Tests.Storage;

public abstract class UserStoreContract : StoreContract
{
    [Fact]
    public async Task A_created_user_is_found_as_it_was()
    {
        var user = Ada() with { Email = "ada@example.org", Role = Role.Admin, Disabled = true };
        (await Stores.Users.CreateAsync(user, default)).ShouldBe(CreateUserOutcome.Created);
        (await Stores.Users.FindAsync("Ada", default)).ShouldBe(user);
    }

    [Fact]
    public async Task A_missing_user_is_null() => (await Stores.Users.FindAsync("nobody", default)).ShouldBeNull();

    [Theory]
    [InlineData("ada")]
    [InlineData("ADA")]
    [InlineData("aDa")]
    public async Task Names_are_compared_without_case(string other)
    {
        await Stores.Users.CreateAsync(Ada(), default);
        (await Stores.Users.CreateAsync(Ada() with { Username = other }, default)).ShouldBe(CreateUserOutcome.NameTaken);
        (await Stores.Users.FindAsync(other, default))!.Username.ShouldBe("Ada");
    }

    [Fact]
    public async Task Case_is_folded_beyond_ascii()
    {
        await Stores.Users.CreateAsync(Ada() with { Username = "Jörg" }, default);
        (await Stores.Users.CreateAsync(Ada() with { Username = "JÖRG" }, default)).ShouldBe(CreateUserOutcome.NameTaken);
    }

    [Fact]
    public async Task A_taken_name_leaves_the_first_user_alone()
    {
        await Stores.Users.CreateAsync(Ada(), default);
        await Stores.Users.CreateAsync(Ada() with { PasswordHash = "other" }, default);
        (await Stores.Users.FindAsync("Ada", default)).ShouldBe(Ada());
    }

    [Fact]
    public async Task Of_twenty_that_want_a_name_at_once_one_gets_it()
    {
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Stores.Users.CreateAsync(Ada(), default)));
        outcomes.Count(outcome => outcome == CreateUserOutcome.Created).ShouldBe(1);
    }

    [Fact]
    public async Task A_password_hash_is_replaced_only_if_it_is_still_the_old_one()
    {
        await Stores.Users.CreateAsync(Ada(), default);
        (await Stores.Users.ReplacePasswordHashAsync("ADA", "wrong", "h2", default)).ShouldBeFalse();
        (await Stores.Users.ReplacePasswordHashAsync("ADA", "hash", "h2", default)).ShouldBeTrue();
        (await Stores.Users.ReplacePasswordHashAsync("ADA", "hash", "h3", default)).ShouldBeFalse();
        (await Stores.Users.FindAsync("ada", default))!.PasswordHash.ShouldBe("h2");
        (await Stores.Users.ReplacePasswordHashAsync("nobody", "hash", "h2", default)).ShouldBeFalse();
    }

    [Fact]
    public async Task An_admin_is_noticed()
    {
        (await Stores.Users.AnyAdminAsync(default)).ShouldBeFalse();
        await Stores.Users.CreateAsync(Ada(), default);
        (await Stores.Users.AnyAdminAsync(default)).ShouldBeFalse();
        await Stores.Users.CreateAsync(Ada() with { Username = "root", Role = Role.Admin }, default);
        (await Stores.Users.AnyAdminAsync(default)).ShouldBeTrue();
    }

    private static User Ada() => new("Ada", null, "hash", Role.User, StoreSet.Noon, false);
}
