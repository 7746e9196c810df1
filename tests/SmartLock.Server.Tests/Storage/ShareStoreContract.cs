using SmartLock.Server.Commands;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Tests.Storage;

public abstract class ShareStoreContract : StoreContract
{
    private const int Bound = 3;

    [Theory]
    [InlineData(null, null, -1_000_000, true)]
    [InlineData(null, 10, 9, true)]
    [InlineData(null, 10, 10, false)]
    [InlineData(5, null, 4, false)]
    [InlineData(5, null, 5, true)]
    [InlineData(5, 10, 4, false)]
    [InlineData(5, 10, 7, true)]
    [InlineData(5, 10, 10, false)]
    public async Task A_share_holds_from_its_first_moment_until_before_its_last(int? from, int? until, int asked, bool holds)
    {
        await Stores.CreateUsersAsync("ada", "Bob");
        await Stores.RegisterOnlineAsync("D1");
        await Stores.ShareAsync("D1", "bob", ShareRole.Operator, At(from), At(until));
        var now = StoreSet.Noon.AddMilliseconds(asked);

        var found = await Stores.Locks.FindAsync("D1", "Bob", now, default);
        var listed = await Stores.Locks.ListAsync("Bob", now, null, 10, default);
        var history = await Stores.Locks.FindHistoryAsync("D1", "Bob", now, now, 10, default);
        var issued = await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1", "Bob", now: now), default);

        found?.Access.ShouldBe(LockAccess.Operator);
        (found is not null, listed.Items.Count == 1, history is not null).ShouldBe((holds, holds, holds));
        issued.Outcome.ShouldBe(holds ? IssueOutcome.Issued : IssueOutcome.NotFound);
    }

    [Fact]
    public async Task A_viewer_reads_and_moves_nothing_and_the_try_is_logged()
    {
        await Stores.CreateUsersAsync("ada", "bob");
        await Stores.RegisterOnlineAsync("D1");
        await Stores.ShareAsync("D1", "bob", ShareRole.Viewer);

        (await Stores.Locks.FindAsync("D1", "bob", StoreSet.Noon, default))!.Access.ShouldBe(LockAccess.Viewer);
        (await Stores.Commands.IssueAsync(StoreSet.Unlock("D1", "C1", "bob"), default)).ShouldBe(new IssueResult(IssueOutcome.NotAllowed));
        (await Stores.LogAsync("D1"))[^1].ShouldBe("bob command.unlock refused: viewer");
    }

    [Fact]
    public async Task Own_and_shared_locks_are_one_list_in_order_of_device_id_whatever_the_pages()
    {
        await Stores.CreateUsersAsync("ada", "bob");
        for (var i = 0; i < 9; i++)
        {
            await Stores.RegisterAsync($"D{i}", i % 2 == 0 ? "ada" : "bob");
        }

        foreach (var shared in (string[])["D2", "D6", "D8"])
        {
            await Stores.ShareAsync(shared, "bob", shared == "D6" ? ShareRole.Operator : ShareRole.Viewer);
        }

        await Stores.ShareAsync("D4", "bob", ShareRole.Viewer, from: StoreSet.Noon.AddDays(1));
        foreach (var limit in (int[])[1, 2, 3, 10])
        {
            var seen = new List<string>();
            string? after = null;
            do
            {
                var page = await Stores.Locks.ListAsync("bob", StoreSet.Noon, after, limit, default);
                page.Items.Count.ShouldBeLessThanOrEqualTo(limit);
                seen.AddRange(page.Items.Select(item => $"{item.Lock.DeviceId} {item.Access}"));
                after = page.Next is { } next && LockCursor.Instance.TryDecode(next, out var position) ? position : null;
            }
            while (after is not null);

            seen.ShouldBe(["D1 Owner", "D2 Viewer", "D3 Owner", "D5 Owner", "D6 Operator", "D7 Owner", "D8 Viewer"]);
        }
    }

    [Fact]
    public async Task A_second_share_takes_the_place_of_the_first()
    {
        await Stores.CreateUsersAsync("ada", "Bob");
        await Stores.RegisterAsync("D1");

        (await GrantAsync("bob", ShareRole.Viewer)).Outcome.ShouldBe(GrantShareOutcome.Granted);
        var second = await GrantAsync("BOB", ShareRole.Operator, until: StoreSet.Noon.AddDays(1));

        var expected = new Share("Bob", ShareRole.Operator, null, StoreSet.Noon.AddDays(1), StoreSet.Noon);
        second.ShouldBe(new GrantResult(GrantShareOutcome.Replaced, expected));
        (await Stores.Shares.ListAsync("D1", "ada", StoreSet.Noon, default)).Shares.ShouldBe([expected]);
        (await Stores.WholeLogAsync("D1")).Skip(1).ShouldBe(["ada share.grant granted: viewer > Bob", "ada share.grant granted: operator > Bob"]);
    }

    [Fact]
    public async Task What_may_not_be_shared_is_refused_and_logged_only_where_somebody_else_tried()
    {
        await Stores.CreateUsersAsync("ada", "bob", "cy");
        await Stores.CreateUsersAsync(disabled: true, "off");
        await Stores.RegisterAsync("D1");
        await Stores.ShareAsync("D1", "bob", ShareRole.Operator);
        var before = await Stores.WholeLogAsync("D1");

        (await GrantAsync("cy", by: "eve")).Outcome.ShouldBe(GrantShareOutcome.LockNotFound);
        (await GrantAsync("nobody")).Outcome.ShouldBe(GrantShareOutcome.UserNotFound);
        (await GrantAsync("off")).Outcome.ShouldBe(GrantShareOutcome.UserNotFound);
        (await GrantAsync("ADA")).Outcome.ShouldBe(GrantShareOutcome.Oneself);

        (await Stores.WholeLogAsync("D1")).ShouldBe(before);
        (await GrantAsync("cy", by: "bob")).Outcome.ShouldBe(GrantShareOutcome.NotOwner);
        (await GrantAsync("bob", ShareRole.Operator, by: "bob")).Outcome.ShouldBe(GrantShareOutcome.NotOwner);
        (await Stores.WholeLogAsync("D1")).ShouldBe([.. before, "bob share.grant refused: not the owner", "bob share.grant refused: not the owner"]);
        (await Stores.Shares.ListAsync("D1", "bob", StoreSet.Noon, default)).ShouldBe(new ShareList(NotOwner: true, null));
        (await Stores.Shares.ListAsync("D1", "cy", StoreSet.Noon, default)).ShouldBe(new ShareList(NotOwner: false, null));
    }

    [Fact]
    public async Task No_lock_has_more_shares_than_the_bound_even_at_once_and_ended_ones_do_not_count()
    {
        var friends = Enumerable.Range(0, 10).Select(i => $"friend{i}").ToArray();
        await Stores.CreateUsersAsync(["ada", "early", .. friends]);
        await Stores.RegisterAsync("D1");
        await GrantAsync("early", until: StoreSet.Noon.AddSeconds(1));

        var results = await Task.WhenAll(friends.Select(friend => GrantAsync(friend, now: StoreSet.Noon.AddSeconds(1))));

        results.Count(result => result.Outcome is GrantShareOutcome.Granted).ShouldBe(Bound);
        results.Count(result => result.Outcome is GrantShareOutcome.TooManyShares).ShouldBe(10 - Bound);
        var list = await Stores.Shares.ListAsync("D1", "ada", StoreSet.Noon.AddSeconds(1), default);
        list.Shares!.Count.ShouldBe(Bound);
        (await GrantAsync(list.Shares[0].Username, ShareRole.Operator)).Outcome.ShouldBe(GrantShareOutcome.Replaced);
    }

    [Fact]
    public async Task A_share_is_the_owners_to_end_and_its_holders_to_leave()
    {
        await Stores.CreateUsersAsync("ada", "Bob", "cy");
        await Stores.RegisterAsync("D1");
        await GrantAsync("bob");
        await GrantAsync("cy", from: StoreSet.Noon.AddDays(1));

        (await RevokeAsync("bob", by: "eve")).ShouldBe(RevokeShareOutcome.LockNotFound);
        (await RevokeAsync("cy", by: "Bob")).ShouldBe(RevokeShareOutcome.NotOwner);
        (await RevokeAsync("eve", by: "eve")).ShouldBe(RevokeShareOutcome.LockNotFound);
        (await RevokeAsync("eve", by: "ada")).ShouldBe(RevokeShareOutcome.ShareNotFound);
        (await RevokeAsync("BOB", by: "ada")).ShouldBe(RevokeShareOutcome.Revoked);
        (await RevokeAsync("cy", by: "cy")).ShouldBe(RevokeShareOutcome.Revoked);

        (await Stores.Locks.FindAsync("D1", "Bob", default)).ShouldBeNull();
        (await Stores.WholeLogAsync("D1")).TakeLast(2).ShouldBe(["ada share.revoke revoked > Bob", "cy share.revoke left > cy"]);
    }

    private static DateTimeOffset? At(int? ms) => ms is { } number ? StoreSet.Noon.AddMilliseconds(number) : null;

    private Task<GrantResult> GrantAsync(
        string username,
        ShareRole role = ShareRole.Viewer,
        DateTimeOffset? from = null,
        DateTimeOffset? until = null,
        string by = "ada",
        DateTimeOffset? now = null) =>
        Stores.Shares.GrantAsync(new LockChange("D1", by, now ?? StoreSet.Noon), new Share(username, role, from, until, now ?? StoreSet.Noon), Bound, default);

    private Task<RevokeShareOutcome> RevokeAsync(string username, string by) =>
        Stores.Shares.RevokeAsync(new LockChange("D1", by, StoreSet.Noon), username, default);
}
