using SmartLock.Server.Accounts;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Tests.Storage;

public abstract class DeliveryStoreContract : StoreContract
{
    private const int MostPending = 5;
    private const string Hook = "01JDX000000000000000000001";
    private static readonly DateTimeOffset Now = StoreSet.Noon;
    private static readonly ClaimRoom AllRoom = new(8, 8, new Dictionary<string, int>());
    private int _made;
    private int _leases;

    private protected abstract IWebhookStore Webhooks { get; }

    private protected abstract IDeliveryStore Deliveries { get; }

    [Fact]
    public async Task Of_many_workers_at_once_one_has_the_webhook_until_it_gives_it_back()
    {
        await SetUpAsync();
        await QueueAsync(2);

        var claims = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => ClaimAsync(Now)));

        var claim = claims.SelectMany(c => c).ShouldHaveSingleItem();
        (claim.DeliveryId, claim.Attempts, claim.Failures).ShouldBe(("D0", 1, 0));
        (await Deliveries.NextDueAsync(Now, default)).ShouldBe(Now.AddMinutes(1));
        await EndAsync(claim, AttemptEnd.Delivered);
        (await ClaimAsync(Now)).Single().DeliveryId.ShouldBe("D1");
    }

    [Fact]
    public async Task A_lease_that_ran_out_is_anothers_and_its_late_holder_changes_nothing_but_what_it_delivered()
    {
        await SetUpAsync();
        await QueueAsync(1);
        var late = (await ClaimAsync(Now)).Single();
        var claim = (await ClaimAsync(Now.AddMinutes(1))).Single();
        claim.DeliveryId.ShouldBe(late.DeliveryId);

        await EndAsync(late, AttemptEnd.Gone);
        (await Webhooks.FindAsync(Hook, "ada", default))!.Active.ShouldBeTrue();
        await EndAsync(late, AttemptEnd.Delivered);
        (await StatesAsync()).ShouldBe(["Delivered"]);
        await EndAsync(claim, AttemptEnd.Failed);
        (await StatesAsync()).ShouldBe(["Delivered"]);
        (await Deliveries.NextDueAsync(Now, default)).ShouldBeNull();
    }

    [Fact]
    public async Task The_oldest_makes_room_in_a_full_backlog()
    {
        await SetUpAsync();
        await QueueAsync(MostPending + 2);

        var all = await ListAsync();

        all.Select(d => $"{d.Id} {d.State} {d.Reason}".Trim()).ShouldBe(
            ["D6 Pending", "D5 Pending", "D4 Pending", "D3 Pending", "D2 Pending", "D1 Dead overflow", "D0 Dead overflow"]);
        (await Deliveries.RetryAsync(Hook, "D0", "ada", MostPending, Now, Now.AddDays(1), default)).ShouldBe(QueueOutcome.TooMany);
        (await Deliveries.RetryAsync(Hook, "D9", "ada", MostPending, Now, Now.AddDays(1), default)).ShouldBe(QueueOutcome.NotFound);
        (await Deliveries.RetryAsync(Hook, "D0", "bob", MostPending, Now, Now.AddDays(1), default)).ShouldBe(QueueOutcome.NotFound);
    }

    [Fact]
    public async Task What_is_past_its_time_dies_untried_while_the_receiver_fails_and_is_tried_when_it_does_not()
    {
        await SetUpAsync();
        await QueueAsync(3);
        (await ClaimAsync(Now.AddDays(2))).Single().Attempts.ShouldBe(1, "the server was away, not the receiver");
        var claim = (await ClaimAsync(Now.AddDays(3))).Single();
        await EndAsync(claim, AttemptEnd.GaveUp, Now.AddDays(3));

        (await ClaimAsync(Now.AddDays(3))).ShouldBeEmpty();

        (await ListAsync()).Select(d => $"{d.State} {d.Attempts} {d.Reason}").ShouldBe(["Dead 0 gave_up", "Dead 0 gave_up", "Dead 1 status"]);
        (await Deliveries.NextDueAsync(Now, default)).ShouldBeNull();
        await QueueAsync(1, Now.AddDays(4));
        (await ClaimAsync(Now.AddDays(4))).Single().Failures.ShouldBe(1);
    }

    [Fact]
    public async Task Fifty_dead_in_a_row_switch_the_webhook_off_and_one_delivered_begins_the_count_anew()
    {
        await SetUpAsync();
        for (var i = 0; i < WebhookRules.MostDeadInARow - 1; i++)
        {
            await OneAsync(AttemptEnd.Rejected);
        }

        await OneAsync(AttemptEnd.Delivered);
        for (var i = 0; i < WebhookRules.MostDeadInARow - 1; i++)
        {
            await OneAsync(AttemptEnd.Rejected);
        }

        (await Webhooks.FindAsync(Hook, "ada", default))!.Active.ShouldBeTrue();
        await OneAsync(AttemptEnd.Rejected);
        var webhook = (await Webhooks.FindAsync(Hook, "ada", default))!;
        (webhook.Active, webhook.InactiveReason).ShouldBe((false, InactiveReasons.Failing));
        await QueueAsync(1);
        (await Deliveries.NextDueAsync(Now, default)).ShouldBeNull("an inactive webhook takes nothing");
    }

    [Fact]
    public async Task A_disabled_account_is_neither_listened_for_nor_delivered_to()
    {
        await SetUpAsync();
        await QueueAsync(1);
        (await Deliveries.FindListeningAsync(["ADA", "nobody"], default)).ShouldHaveSingleItem().Id.ShouldBe(Hook);

        await DisableAsync("ada");

        (await Deliveries.FindListeningAsync(["ada"], default)).ShouldBeEmpty();
        (await ClaimAsync(Now)).ShouldBeEmpty();
        (await StatesAsync()).ShouldBe(["Dropped"]);
    }

    [Fact]
    public async Task An_interrupted_attempt_is_as_if_it_had_not_been_made()
    {
        await SetUpAsync();
        await QueueAsync(1);
        await EndAsync((await ClaimAsync(Now)).Single(), AttemptEnd.Interrupted);
        var claim = (await ClaimAsync(Now)).Single();
        (claim.Attempts, claim.Failures).ShouldBe((1, 0));
    }

    [Fact]
    public async Task Old_ends_are_deleted_and_what_is_pending_is_not()
    {
        await SetUpAsync();
        await OneAsync(AttemptEnd.Delivered);
        await OneAsync(AttemptEnd.Rejected);
        await QueueAsync(1);
        (await Deliveries.DeleteEndedAsync(Now, Now, 10, default)).ShouldBe(0);
        (await Deliveries.DeleteEndedAsync(Now.AddSeconds(1), Now, 10, default)).ShouldBe(1);
        (await StatesAsync()).ShouldBe(["Pending", "Dead"]);
        (await Deliveries.DeleteEndedAsync(Now.AddDays(9), Now.AddDays(9), 0, default)).ShouldBe(0);
        (await Deliveries.DeleteEndedAsync(Now.AddDays(9), Now.AddDays(9), 10, default)).ShouldBe(1);
        (await StatesAsync()).ShouldBe(["Pending"]);
    }

    [Fact]
    public async Task What_is_done_to_a_webhook_leaves_a_log_entry_without_its_url()
    {
        await SetUpAsync();
        await Webhooks.ChangeAsync(Hook, "ada", new WebhookChange(null, null, false), Now, default);
        await Webhooks.ReplaceSecretAsync(Hook, "ada", [1], Now, default);
        await Webhooks.DeleteAsync(Hook, "bob", Now, default);
        await Webhooks.DeleteAsync(Hook, "ada", Now, default);
        (await LoggedActionsAsync()).ShouldBe([
            "account.register", "webhook.create", "webhook.change", "webhook.rotate_secret", "webhook.delete",
        ]);
    }

    [Fact]
    public async Task An_account_takes_no_more_than_its_part_of_the_room()
    {
        await SetUpAsync();
        await Stores.Users.CreateAsync(new User("bob", null, "hash", Role.User, Now, Disabled: false), default);
        for (var i = 2; i <= 6; i++)
        {
            var owner = i < 6 ? "ada" : "bob";
            var webhook = new Webhook($"01JDX00000000000000000000{i}", "https://example.com/", ["lock"], null, Active: true, null, Now);
            (await Webhooks.CreateAsync(new NewWebhook(webhook, [1]), owner, 20, default)).ShouldBe(CreateWebhookOutcome.Created);
            await Deliveries.EnqueueAsync([new NewDelivery($"H{i}", webhook.Id, "ping", null, [1], Now.AddSeconds(i), Now.AddDays(1))], MostPending, default);
        }

        var at = Now.AddMinutes(1);
        var first = await ClaimAsync(at, new ClaimRoom(8, 2, new Dictionary<string, int>()));

        first.Select(c => c.DeliveryId).ShouldBe(["H2", "H3", "H6"]);
        var busy = first.GroupBy(c => c.Account).ToDictionary(g => g.Key, g => g.Count());
        (await ClaimAsync(at, new ClaimRoom(8, 2, busy))).ShouldBeEmpty("the others' turn comes when one of these has ended");
        await EndAsync(first[0], AttemptEnd.Delivered);
        busy[first[0].Account]--;
        (await ClaimAsync(at, new ClaimRoom(8, 2, busy))).ShouldHaveSingleItem().DeliveryId.ShouldBe("H4");
    }

    [Fact]
    public async Task What_a_wrong_clock_put_off_for_a_year_is_due_when_the_clock_is_right_again()
    {
        await SetUpAsync();
        await QueueAsync(1, Now.AddYears(1));
        var claim = (await ClaimAsync(Now.AddYears(1))).Single();
        await EndAsync(claim, AttemptEnd.Failed, Now.AddYears(1));

        (await Deliveries.NextDueAsync(Now, default)).ShouldBe(Now);
        (await ClaimAsync(Now)).Single().DeliveryId.ShouldBe("D0");
    }

    [Fact]
    public async Task Of_what_has_ended_a_webhook_keeps_so_much_and_of_what_is_pending_all()
    {
        await SetUpAsync();
        for (var i = 0; i < 3; i++)
        {
            var many = Enumerable.Range(0, WebhookRules.MostKept / 2)
                .Select(_ => new NewDelivery($"D{_made++}", Hook, "lock", null, [1], Now, Now.AddDays(1)));
            await Deliveries.EnqueueAsync([.. many], MostPending, default);
        }

        (await CountAsync(DeliveryState.Pending)).ShouldBe(MostPending);
        (await CountAsync(DeliveryState.Dead)).ShouldBe(WebhookRules.MostKept - MostPending);
    }

    [Fact]
    public async Task A_test_does_not_push_a_waiting_event_out_of_a_full_backlog()
    {
        await SetUpAsync();
        await QueueAsync(MostPending);

        var ping = new NewDelivery("PING", Hook, "ping", null, [1], Now, Now.AddDays(1));
        (await Deliveries.EnqueueAsync(ping, "ada", MostPending, default)).ShouldBe(QueueOutcome.TooMany);

        (await StatesAsync()).ShouldAllBe(state => state == "Pending");
    }

    private protected abstract Task DisableAsync(string username);

    private protected abstract Task<IReadOnlyList<string>> LoggedActionsAsync();

    private async Task SetUpAsync()
    {
        await Stores.Users.CreateAsync(new User("ada", null, "hash", Role.User, Now, Disabled: false), default);
        var webhook = new Webhook(Hook, "https://example.com/", ["lock"], null, Active: true, null, Now);
        (await Webhooks.CreateAsync(new NewWebhook(webhook, [1, 2, 3]), "ada", 20, default)).ShouldBe(CreateWebhookOutcome.Created);
    }

    private async Task QueueAsync(int count, DateTimeOffset? at = null)
    {
        var now = at ?? Now;
        for (var i = 0; i < count; i++)
        {
            await Deliveries.EnqueueAsync([new NewDelivery($"D{_made++}", Hook, "ping", null, [1], now, now.AddDays(1))], MostPending, default);
        }
    }

    private Task<IReadOnlyList<ClaimedDelivery>> ClaimAsync(DateTimeOffset now, ClaimRoom? room = null) =>
        Deliveries.ClaimAsync($"L{Interlocked.Increment(ref _leases)}", now, now.AddMinutes(1), room ?? AllRoom, default);

    private Task EndAsync(ClaimedDelivery claim, AttemptEnd end, DateTimeOffset? at = null) =>
        Deliveries.CompleteAsync(new AttemptResult(claim, end, 500, DeliveryReasons.Status, at ?? Now, at ?? Now), default);

    private async Task OneAsync(AttemptEnd end)
    {
        await QueueAsync(1);
        await EndAsync((await ClaimAsync(Now)).Single(), end);
    }

    private async Task<int> CountAsync(DeliveryState state) => (await Deliveries.ListAsync(Hook, "ada", state, null, 10_000, default))!.Items.Count;

    private async Task<IReadOnlyList<Delivery>> ListAsync() => (await Deliveries.ListAsync(Hook, "ada", null, null, 100, default))!.Items;

    private async Task<IEnumerable<string>> StatesAsync() => (await ListAsync()).Select(d => d.State.ToString());
}
