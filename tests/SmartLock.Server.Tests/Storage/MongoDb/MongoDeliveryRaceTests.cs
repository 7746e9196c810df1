using Microsoft.Extensions.DependencyInjection;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Storage.MongoDb;
using SmartLock.Server.Webhooks;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Storage.MongoDb;

/// <summary>Two servers that send, and what is left by one that is killed between two writes.</summary>
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
    public async Task What_a_killed_server_had_only_put_before_the_door_is_delivered_and_in_its_turn()
    {
        await StartAsync();
        await PushAsync("D0");
        await One.EnqueueAsync([DeliveryOf("D1")], MostPending, default);

        var claim = (await ClaimAsync(Two)).ShouldHaveSingleItem();

        claim.DeliveryId.ShouldBe("D0");
        await EndAsync(Two, claim, AttemptEnd.Delivered);
        (await ClaimAsync(Two)).ShouldHaveSingleItem().DeliveryId.ShouldBe("D1");
        (await Webhooks.Documents.Find("{}").SingleAsync())[WebhookFields.Incoming].AsBsonArray.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_webhook_does_not_rest_while_something_comes_in()
    {
        await StartAsync();
        await One.EnqueueAsync([DeliveryOf("D0")], MostPending, default);
        var claim = (await ClaimAsync(One)).ShouldHaveSingleItem();
        var seen = await Webhooks.Documents.Find("{}").SingleAsync();
        await Two.EnqueueAsync([DeliveryOf("D1")], MostPending, default);

        (await _servers[0].GetRequiredService<MongoAttempts>().TryRestAsync(seen, claim.Lease, default)).ShouldBeFalse();

        await EndAsync(One, claim, AttemptEnd.Delivered);
        (await One.NextDueAsync(Now, default)).ShouldBe(Now);
    }

    [Fact]
    public async Task A_webhook_that_was_switched_off_by_half_delivers_nothing_of_that_when_it_is_on_again()
    {
        await StartAsync();
        await One.EnqueueAsync([DeliveryOf("D0")], MostPending, default);
        await PushAsync("D1");
        await Webhooks.Documents.UpdateOneAsync("{}", MongoWebhooks.Deactivate(InactiveReasons.Gone, Now));

        await _servers[1].GetRequiredService<IWebhookStore>().ChangeAsync(Hook, "ada", new WebhookChange(null, null, true), Now, default);
        await Two.EnqueueAsync([DeliveryOf("D2")], MostPending, default);

        (await ClaimAsync(Two)).ShouldHaveSingleItem().DeliveryId.ShouldBe("D2");
        var states = (await Two.ListAsync(Hook, "ada", null, null, 10, default))!.Items.Select(d => $"{d.Id} {d.State} {d.Reason}".Trim());
        states.ShouldBe(["D2 Pending", "D1 Dead deactivated", "D0 Dead deactivated"]);
    }

    [Fact]
    public async Task Webhooks_that_were_made_or_deleted_by_half_go_and_so_does_their_slot()
    {
        await StartAsync();
        await One.EnqueueAsync([DeliveryOf("D0")], MostPending, default);
        await Webhooks.Documents.UpdateOneAsync(
            "{}",
            Builders<BsonDocument>.Update.Set(WebhookFields.Deleted, true).Set(WebhookFields.TidyAt, Now.ToUnixTimeMilliseconds()));
        (await ClaimAsync(Two)).ShouldBeEmpty();
        (await CreateAsync("H2", most: 1)).ShouldBe(CreateWebhookOutcome.TooMany);

        await _servers[1].GetRequiredService<MongoOutboxSweep>().RunAsync(default);

        (await Webhooks.Deliveries.CountDocumentsAsync("{}")).ShouldBe(0);
        (await CreateAsync("H2", most: 1)).ShouldBe(CreateWebhookOutcome.Created);
        (await CreateAsync("H3", most: 1)).ShouldBe(CreateWebhookOutcome.TooMany);
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
                var row = await Webhooks.Deliveries.Find(new BsonDocument("_id", claim.DeliveryId)).SingleAsync();
                lock (sent)
                {
                    sent.Add(row[DeliveryFields.Number].ToInt64());
                }

                await EndAsync(store, claim, AttemptEnd.Delivered);
            }
        }
    }

    private Task<IReadOnlyList<ClaimedDelivery>> ClaimAsync(IDeliveryStore store) =>
        store.ClaimAsync($"L{Interlocked.Increment(ref _leases)}", Now, Now.AddMinutes(1), AllRoom, default);

    /// <summary>The first write of a server that is killed before its second.</summary>
    private Task<UpdateResult> PushAsync(string id) => Webhooks.Documents.UpdateOneAsync(
        "{}",
        Builders<BsonDocument>.Update
            .Inc(WebhookFields.Queued, 1L)
            .Set(WebhookFields.DueAt, Now.ToUnixTimeMilliseconds())
            .Push(WebhookFields.Incoming, new BsonDocument
            {
                { DeliveryFields.Id, id },
                { DeliveryFields.Number, id == "D0" ? 1L : 2L },
                { DeliveryFields.Event, "ping" },
                { DeliveryFields.Body, "{}" },
                { DeliveryFields.CreatedAt, Now.ToUnixTimeMilliseconds() },
                { DeliveryFields.GiveUpAt, Now.AddDays(1).ToUnixTimeMilliseconds() },
            }));

    private Task<CreateWebhookOutcome> CreateAsync(string id, int most) => _servers[1].GetRequiredService<IWebhookStore>().CreateAsync(
        new NewWebhook(new Webhook(id, "https://example.com/", ["lock"], null, Active: true, null, Now), [1]), "ada", most, default);

    private async Task StartAsync()
    {
        _servers.Add(await fixture.StartAsync(_clock));
        _servers.Add(fixture.AddServer(_clock));
        await MongoFixture.StoresOf(_servers[0]).MoveInAsync("ada");
        (await CreateAsync(Hook, most: 5)).ShouldBe(CreateWebhookOutcome.Created);
    }
}
