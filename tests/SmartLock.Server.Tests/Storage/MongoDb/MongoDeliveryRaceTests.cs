using Microsoft.Extensions.DependencyInjection;
using MongoDB.Driver;
using SmartLock.Server.Storage.MongoDb;
using SmartLock.Server.Webhooks;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Storage.MongoDb;

/// <summary>Two servers that queue and send at the same time.</summary>
public sealed class MongoDeliveryRaceTests(MongoFixture fixture) : IClassFixture<MongoFixture>
{
    private const string Hook = "01JDX000000000000000000001";
    private const int MostPending = 100;
    private static readonly DateTimeOffset Now = StoreSet.Noon;
    private static readonly ClaimRoom AllRoom = new(8, 8, new Dictionary<string, int>());
    private readonly FakeClock _clock = new(Now);
    private readonly List<IServiceProvider> _servers = [];
    private int _leases;

    private IDeliveryStore One => _servers[0].GetRequiredService<IDeliveryStore>();

    private IDeliveryStore Two => _servers[1].GetRequiredService<IDeliveryStore>();

    private MongoWebhooks Webhooks => _servers[0].GetRequiredService<MongoWebhooks>();

    [Fact]
    public async Task What_both_queue_and_both_send_is_sent_once_each_and_in_order()
    {
        await StartAsync();
        const int Each = 20;
        var sent = new List<long>();
        var queueing = Task.WhenAll(QueueAsync(One, "A", Each), QueueAsync(Two, "B", Each));
        var sending = Task.WhenAll(SendAsync(One, sent, Each * 2), SendAsync(Two, sent, Each * 2));

        await queueing.WaitAsync(TimeSpan.FromMinutes(1));
        await sending.WaitAsync(TimeSpan.FromMinutes(1));

        sent.ShouldBe(Enumerable.Range(1, Each * 2).Select(n => (long)n));
        (await One.NextDueAsync(Now, default)).ShouldBeNull();
    }

    [Fact]
    public async Task A_webhook_does_not_rest_while_something_comes_in()
    {
        await StartAsync();
        for (var i = 0; i < 10; i++)
        {
            await One.EnqueueAsync([DeliveryOf($"A{i}")], MostPending, default);
            var claim = (await ClaimAsync(One)).ShouldHaveSingleItem();

            await Task.WhenAll(
                Two.EnqueueAsync([DeliveryOf($"B{i}")], MostPending, default),
                EndAsync(One, claim, AttemptEnd.Delivered));

            (await One.NextDueAsync(Now, default)).ShouldBe(Now);
            await EndAsync(Two, (await ClaimAsync(Two)).ShouldHaveSingleItem(), AttemptEnd.Delivered);
        }
    }

    [Fact]
    public async Task Nothing_that_is_queued_while_the_webhook_is_switched_off_waits_in_it()
    {
        await StartAsync();
        var webhooks = _servers[1].GetRequiredService<IWebhookStore>();
        for (var i = 0; i < 10; i++)
        {
            await Task.WhenAll(
                One.EnqueueAsync([DeliveryOf($"D{i}")], MostPending, default),
                webhooks.ChangeAsync(Hook, "ada", new WebhookChange(null, null, Active: false), Now, default));

            (await One.ListAsync(Hook, "ada", DeliveryState.Pending, null, 10, default))!.Items.ShouldBeEmpty();
            (await One.NextDueAsync(Now, default)).ShouldBeNull();
            await webhooks.ChangeAsync(Hook, "ada", new WebhookChange(null, null, Active: true), Now, default);
        }
    }

    [Fact]
    public async Task Of_webhooks_that_two_servers_make_at_once_there_are_no_more_than_an_account_may_have()
    {
        await StartAsync();

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => CreateAsync($"H{i}", most: 5, _servers[i % 2])));

        outcomes.Count(o => o is CreateWebhookOutcome.Created).ShouldBe(4, "there is one already");
        outcomes.Count(o => o is CreateWebhookOutcome.TooMany).ShouldBe(8);
        (await _servers[0].GetRequiredService<IWebhookStore>().ListAsync("ada", null, 20, default)).Items.Count.ShouldBe(5);
    }

    [Fact]
    public async Task A_deleted_webhook_takes_its_deliveries_along()
    {
        await StartAsync();
        await One.EnqueueAsync([DeliveryOf("D0"), DeliveryOf("D1")], MostPending, default);
        var claim = (await ClaimAsync(One)).ShouldHaveSingleItem();

        await Task.WhenAll(
            EndAsync(One, claim, AttemptEnd.Delivered),
            Two.EnqueueAsync([DeliveryOf("D2")], MostPending, default),
            _servers[1].GetRequiredService<IWebhookStore>().DeleteAsync(Hook, "ada", Now, default));

        (await Webhooks.Deliveries.CountDocumentsAsync("{}")).ShouldBe(0);
        (await ClaimAsync(Two)).ShouldBeEmpty();
    }

    private static NewDelivery DeliveryOf(string id) => new(id, Hook, "ping", null, "{}"u8.ToArray(), Now, Now.AddDays(1));

    private static async Task QueueAsync(IDeliveryStore store, string prefix, int count)
    {
        for (var i = 0; i < count; i++)
        {
            await store.EnqueueAsync([DeliveryOf($"{prefix}{i}")], MostPending, default);
        }
    }

    private static Task EndAsync(IDeliveryStore store, ClaimedDelivery claim, AttemptEnd end) =>
        store.CompleteAsync(new AttemptResult(claim, end, 200, null, Now, Now), default);

    /// <summary>Notes the numbers of what is sent while the lease is held.</summary>
    private async Task SendAsync(IDeliveryStore store, List<long> sent, int all)
    {
        while (true)
        {
            lock (sent)
            {
                if (sent.Count >= all)
                {
                    return;
                }
            }

            foreach (var claim in await ClaimAsync(store))
            {
                var row = await Webhooks.Deliveries.Find(d => d.Id == claim.DeliveryId).SingleAsync();
                lock (sent)
                {
                    sent.Add(row.Number);
                }

                await EndAsync(store, claim, AttemptEnd.Delivered);
            }
        }
    }

    private Task<IReadOnlyList<ClaimedDelivery>> ClaimAsync(IDeliveryStore store) =>
        store.ClaimAsync($"L{Interlocked.Increment(ref _leases)}", Now, Now.AddMinutes(1), AllRoom, default);

    private static Task<CreateWebhookOutcome> CreateAsync(string id, int most, IServiceProvider server) => server.GetRequiredService<IWebhookStore>().CreateAsync(
        new NewWebhook(new Webhook(id, "https://example.com/", ["lock"], null, Active: true, null, Now), [1]), "ada", most, default);

    private async Task StartAsync()
    {
        _servers.Add(await fixture.StartAsync(_clock));
        _servers.Add(fixture.AddServer(_clock));
        await MongoFixture.StoresOf(_servers[0]).CreateUsersAsync("ada");
        (await CreateAsync(Hook, most: 5, _servers[1])).ShouldBe(CreateWebhookOutcome.Created);
    }
}
