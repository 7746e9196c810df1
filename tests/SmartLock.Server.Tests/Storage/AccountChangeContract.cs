using SmartLock.Server.Accounts;
using SmartLock.Server.Commands;

namespace SmartLock.Server.Tests.Storage;

/// <summary>What admins do to accounts, and what a deleted one leaves behind.</summary>
public abstract class AccountChangeContract : StoreContract
{
    private static readonly DateTimeOffset Noon = StoreSet.Noon;

    [Fact]
    public async Task Accounts_are_listed_by_name_in_pages()
    {
        foreach (var name in new[] { "dora", "Ada", "bob", "Cy" })
        {
            await UserAsync(name);
        }

        var first = await Stores.Users.ListAsync(new UserFilter(), null, 3, default);
        var second = await Stores.Users.ListAsync(new UserFilter(), first.Items[^1].Username, 3, default);

        first.Items.Select(u => u.Username).ShouldBe(["Ada", "bob", "Cy"]);
        first.Next.ShouldNotBeNull();
        second.Items.Select(u => u.Username).ShouldBe(["dora"]);
        second.Next.ShouldBeNull();
    }

    [Fact]
    public async Task Accounts_are_found_by_role_state_and_beginning_of_the_name()
    {
        await UserAsync("ada", Role.Admin);
        await UserAsync("adam", disabled: true);
        await UserAsync("bob");

        (await NamesAsync(new UserFilter(Role: Role.Admin))).ShouldBe(["ada"]);
        (await NamesAsync(new UserFilter(Disabled: true))).ShouldBe(["adam"]);
        (await NamesAsync(new UserFilter(Disabled: false))).ShouldBe(["ada", "bob"]);
        (await NamesAsync(new UserFilter(Search: "ADA"))).ShouldBe(["ada", "adam"]);
        (await NamesAsync(new UserFilter(Search: "%"))).ShouldBeEmpty();
        (await NamesAsync(new UserFilter(Role.User, false, "b"))).ShouldBe(["bob"]);
    }

    [Fact]
    public async Task Role_and_state_are_changed_and_what_is_left_out_stays()
    {
        await UserAsync("ada", Role.Admin);
        await UserAsync("bob");

        var promoted = await UpdateAsync("BOB", new UserChange(Role: Role.Admin));
        var disabled = await UpdateAsync("bob", new UserChange(Disabled: true));

        (promoted.Outcome, promoted.User!.Role, promoted.User.Disabled).ShouldBe((UpdateUserOutcome.Updated, Role.Admin, false));
        (disabled.Outcome, disabled.User!.Role, disabled.User.Disabled).ShouldBe((UpdateUserOutcome.Updated, Role.Admin, true));
        (await Stores.Users.FindAsync("bob", default)).ShouldBe(disabled.User);
        (await UpdateAsync("nobody", new UserChange(Disabled: true))).Outcome.ShouldBe(UpdateUserOutcome.NotFound);
    }

    [Fact]
    public async Task The_last_enabled_admin_stays_one()
    {
        await UserAsync("ada", Role.Admin);
        await UserAsync("off", Role.Admin, disabled: true);

        (await UpdateAsync("ada", new UserChange(Disabled: true))).Outcome.ShouldBe(UpdateUserOutcome.LastAdmin);
        (await UpdateAsync("ada", new UserChange(Role: Role.User))).Outcome.ShouldBe(UpdateUserOutcome.LastAdmin);
        (await DeleteAsync("ada")).ShouldBe(DeleteUserOutcome.LastAdmin);
        (await UpdateAsync("off", new UserChange(Role: Role.User))).Outcome.ShouldBe(UpdateUserOutcome.Updated);
        (await DeleteAsync("off")).ShouldBe(DeleteUserOutcome.Deleted);
        (await Stores.Users.FindAsync("ada", default))!.ShouldBe(new User("ada", null, "hash", Role.Admin, Noon, false));
    }

    [Fact]
    public async Task Of_admins_who_disable_demote_and_delete_each_other_at_once_one_remains()
    {
        string[] names = ["ada", "bob", "cy", "dora", "ed", "flo"];
        foreach (var name in names)
        {
            await UserAsync(name, Role.Admin);
        }

        await Task.WhenAll(names.SelectMany(name => new Task[]
        {
            UpdateAsync(name, new UserChange(Disabled: true)),
            UpdateAsync(name, new UserChange(Role: Role.User)),
            DeleteAsync(name),
        }));

        (await NamesAsync(new UserFilter(Role.Admin, Disabled: false))).Length.ShouldBe(1);
    }

    [Fact]
    public async Task Of_many_first_admins_at_once_there_is_one()
    {
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 20).Select(i =>
            Stores.Users.CreateFirstAdminAsync(new User($"admin{i}", null, "hash", Role.Admin, Noon, false), default)));

        outcomes.Count(o => o == FirstAdminOutcome.Created).ShouldBe(1);
        outcomes.Count(o => o == FirstAdminOutcome.AdminExists).ShouldBe(19);
    }

    [Fact]
    public async Task A_first_admin_takes_nobodys_name()
    {
        await UserAsync("ada");

        (await Stores.Users.CreateFirstAdminAsync(new User("ADA", null, "h", Role.Admin, Noon, false), default)).ShouldBe(FirstAdminOutcome.NameTaken);
        (await Stores.Users.AnyAdminAsync(default)).ShouldBeFalse();
    }

    [Fact]
    public async Task A_deleted_account_is_gone_and_its_name_is_nobodys_again()
    {
        await UserAsync("Ada");
        var session = new NewSession("S1", [1], Noon, Noon.AddDays(1), null, "local");
        await Stores.Sessions.OpenAsync((await Stores.Users.FindAsync("ada", default))!, session, 5, default);
        await Stores.SecondFactors.BeginAsync("ada", [1], default);

        (await DeleteAsync("ADA")).ShouldBe(DeleteUserOutcome.Deleted);

        (await DeleteAsync("ada")).ShouldBe(DeleteUserOutcome.NotFound);
        (await Stores.Users.FindAsync("ada", default)).ShouldBeNull();
        (await Stores.Sessions.FindAsync("S1", Noon, default)).ShouldBeNull();
        (await Stores.SecondFactors.FindAsync("ada", default)).ShouldBeNull();
        var again = new User("aDa", null, "hash", Role.User, Noon, false);
        (await Stores.Users.CreateAsync(again, default)).ShouldBe(CreateUserOutcome.NameTaken);
        (await Stores.Users.CreateFirstAdminAsync(again with { Role = Role.Admin }, default)).ShouldBe(FirstAdminOutcome.NameTaken);
    }

    [Fact]
    public async Task An_account_that_owns_locks_stays()
    {
        await UserAsync("ada");
        await Stores.RegisterAsync("D1");

        (await DeleteAsync("ada")).ShouldBe(DeleteUserOutcome.OwnsLocks);
        (await Stores.Users.FindAsync("ada", default)).ShouldNotBeNull();
    }

    [Fact]
    public async Task In_the_commands_of_a_deleted_account_its_name_is_no_more()
    {
        await UserAsync("ada");
        await UserAsync("bob");
        await Stores.RegisterOnlineAsync("D1", "bob");
        await Stores.RegisterOnlineAsync("D2", "ada");
        await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1", "bob", "key"), default);
        await Stores.Commands.IssueAsync(StoreSet.Unlock("D2", "C2", "ada", "key"), default);
        await GiveAwayAsync("D1", "ada");

        (await DeleteAsync("bob")).ShouldBe(DeleteUserOutcome.Deleted);

        var command = await Stores.Commands.FindAsync("C1", "ada", default);
        command!.RequestedBy.ShouldMatch("^deleted:[0-9a-f]{8}$");
        (await Stores.Commands.FindAsync("C2", "ada", default))!.RequestedBy.ShouldBe("ada");
        var retry = await Stores.Commands.IssueAsync(StoreSet.Unlock("D2", "C3", "ada", "key"), default);
        retry.Outcome.ShouldBe(IssueOutcome.AlreadyIssued, "others' keys stay");
    }

    /// <summary>A lock goes to another owner, by whatever means the store has.</summary>
    private protected abstract Task GiveAwayAsync(string deviceId, string owner);

    private async Task UserAsync(string name, Role role = Role.User, bool disabled = false) =>
        (await Stores.Users.CreateAsync(new User(name, null, "hash", role, Noon, disabled), default)).ShouldBe(CreateUserOutcome.Created);

    private Task<UpdateUserResult> UpdateAsync(string name, UserChange change) => Stores.Users.UpdateAsync(name, change, "root", Noon, default);

    private Task<DeleteUserOutcome> DeleteAsync(string name) => Stores.Users.DeleteAsync(name, "root", Noon, default);

    private async Task<string[]> NamesAsync(UserFilter filter) =>
        [.. (await Stores.Users.ListAsync(filter, null, 100, default)).Items.Select(u => u.Username)];
}
