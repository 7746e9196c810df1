namespace SmartLock.Server.Tests.Live;

public sealed class AudienceTests
{
    [Fact]
    public async Task A_former_owner_is_told_nothing_newer_than_the_switch_and_nothing_on_return()
    {
        await using var app = await TestApp.StartAsync();
        var ada = await app.OwnerAsync("ada");
        var bob = await app.OwnerAsync("bob");
        await using var door = await Door.OpenAsync(app, ada);
        await using var former = await EventStream.OpenAsync(ada);
        var beforeAll = former.LastEventId!;
        using (await door.UnlockAsync())
        {
            await former.UntilAsync(e => e.Kind == "command" && e.Text("state") == "done");
        }

        await app.GiveAsync(door, bob);
        await using var present = await EventStream.OpenAsync(bob);
        using var answer = await door.UnlockAsAsync(bob);

        await present.UntilAsync(e => e.Kind == "command" && e.Text("state") == "done");
        former.Rest().ShouldBeEmpty();
        await using var back = await EventStream.OpenAsync(ada, beforeAll);
        back.Rest().ShouldBeEmpty();
        await using var curious = await EventStream.OpenAsync(bob, beforeAll);
        curious.Rest().ShouldAllBe(e => e.Kind == "lock" || e.Text("requested_by") == "bob");
    }

    [Fact]
    public async Task A_sharer_is_told_while_the_share_is_valid()
    {
        var now = TimeProvider.System.GetUtcNow();
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner);
        var (open, early, late) = (await app.OwnerAsync(), await app.OwnerAsync(), await app.OwnerAsync());
        await app.ShareAsync(door, open, now.AddDays(-1), now.AddDays(1));
        await app.ShareAsync(door, early, from: now.AddDays(1));
        await app.ShareAsync(door, late, until: now.AddSeconds(-1));
        await using var during = await EventStream.OpenAsync(open);
        await using var before = await EventStream.OpenAsync(early);
        await using var after = await EventStream.OpenAsync(late);
        var start = before.LastEventId;

        using var answer = await door.UnlockAsync();

        var seen = await during.UntilAsync(e => e.Kind == "command" && e.Text("state") == "done");
        seen.Count.ShouldBe(3);
        before.Rest().ShouldBeEmpty();
        after.Rest().ShouldBeEmpty();
        await using var back = await EventStream.OpenAsync(late, start);
        back.Rest().ShouldBeEmpty();
    }
}
