using System.Net;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Tests.Live;
using SmartLock.Server.Webhooks;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Webhooks;

public sealed class DeliveryTests
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(20);

    private readonly FakeClock _clock = new(TimeProvider.System.GetUtcNow());

    [Fact]
    public async Task An_unlock_is_posted_in_order_and_signed()
    {
        await using var app = await TestApp.StartAsync(Hook.Settings);
        await using var receiver = await Receiver.StartAsync();
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner);
        var hook = await Hook.CreateAsync(owner, receiver.Url);

        using var answer = await door.UnlockAsync();

        Received[] received = [await receiver.NextAsync(), await receiver.NextAsync(), await receiver.NextAsync()];
        received.Select(r => r.Event).ShouldBe(["command", "lock", "command"]);
        received.ShouldAllBe(r => r.Method == "POST" && r.Target == "/hook?key=query-secret" && r.Headers["Content-Type"] == "application/json");
        received.ShouldAllBe(r => r.IsSignedWith(hook.Secret, TimeProvider.System.GetUtcNow()));
        received[0].Data.GetProperty("state").GetString().ShouldBe("sent");
        received[1].Data.GetProperty("status").GetString().ShouldBe("Unlocked");
        received[2].Data.ToString().ShouldBe((await answer.JsonAsync()).ToString());
        received[1].Json.EnumerateObject().Select(p => p.Name).ShouldBe(["id", "event", "created_at", "data"]);
        received.Select(r => r.DeliveryId).ShouldBeUnique();
        foreach (var one in received)
        {
            (await hook.InStateAsync(one.DeliveryId, "delivered")).GetProperty("status_code").GetInt32().ShouldBe(204);
        }
    }

    [Fact]
    public async Task Only_what_was_asked_for_and_only_of_locks_that_the_account_may_see()
    {
        await using var app = await TestApp.StartAsync(Hook.Settings);
        await using var receiver = await Receiver.StartAsync();
        await using var strangersReceiver = await Receiver.StartAsync();
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner);
        await using var other = await Door.OpenAsync(app, owner, "ESP32-OTHER");
        var hook = await Hook.CreateAsync(owner, receiver.Url, ["lock"], door.DeviceId);
        var strangers = await Hook.CreateAsync(await app.OwnerAsync(), strangersReceiver.Url);

        using (await other.UnlockAsync())
        using (await door.UnlockAsync())
        {
            var received = await receiver.NextAsync();
            (received.Event, received.Data.GetProperty("device_id").GetString()).ShouldBe(("lock", door.DeviceId));
        }

        await hook.TestAsync();
        (await receiver.NextAsync()).Event.ShouldBe("ping");
        (await strangers.DeliveriesAsync()).ShouldBeEmpty();
        strangersReceiver.Requests.ShouldBe(0);
    }

    [Fact]
    public async Task One_at_a_time_and_in_order()
    {
        await using var app = await TestApp.StartAsync(Hook.Settings);
        await using var receiver = await Receiver.StartAsync();
        var hook = await Hook.CreateAsync(await app.OwnerAsync(), receiver.Url);
        var sent = new List<string>();
        for (var i = 0; i < 20; i++)
        {
            sent.Add(await hook.TestAsync());
        }

        var received = new List<string>();
        for (var i = 0; i < 20; i++)
        {
            received.Add((await receiver.NextAsync()).DeliveryId);
        }

        received.ShouldBe(sent);
        receiver.MostAtOnce.ShouldBe(1);
    }

    [Fact]
    public async Task A_receiver_in_trouble_is_tried_again_after_a_while_and_the_others_do_not_wait()
    {
        await using var app = await TestApp.StartAsync(_clock, settings: Hook.Settings);
        await using var receiver = await Receiver.StartAsync();
        await using var healthy = await Receiver.StartAsync();
        var owner = await app.OwnerAsync();
        var hook = await Hook.CreateAsync(owner, receiver.Url);
        var other = await Hook.CreateAsync(owner, healthy.Url);
        receiver.AnswerNext(500);
        var first = await hook.TestAsync();
        await hook.AttemptedAsync(first, 1);
        var second = await hook.TestAsync();
        await other.TestAsync();

        (await healthy.NextAsync()).Event.ShouldBe("ping");
        _clock.Advance(TimeSpan.FromSeconds(7));
        await other.TestAsync();
        await healthy.NextAsync();
        receiver.Requests.ShouldBe(1);
        (await UntilDueAsync(app)).TotalSeconds.ShouldBeInRange(0.999, 5, "ten seconds after the failure, give or take two");
        _clock.Advance(TimeSpan.FromSeconds(5.1));
        await AskedAsync(receiver, 2);

        (await hook.InStateAsync(first, "delivered")).GetProperty("attempts").GetInt32().ShouldBe(2);
        await hook.InStateAsync(second, "delivered");
        await receiver.NextAsync();
        Received[] received = [await receiver.NextAsync(), await receiver.NextAsync()];
        received.Select(r => r.DeliveryId).ShouldBe([first, second]);
        received.ShouldAllBe(r => r.IsSignedWith(hook.Secret, _clock.GetUtcNow()));
    }

    [Fact]
    public async Task A_receiver_that_stays_down_is_given_up_and_the_dead_can_be_retried()
    {
        await using var app = await TestApp.StartAsync(_clock, settings: Hook.Settings);
        await using var receiver = await Receiver.StartAsync();
        var hook = await Hook.CreateAsync(await app.OwnerAsync(), receiver.Url);
        receiver.Status = 503;
        var id = await hook.TestAsync();

        for (var attempt = 1; attempt < WebhookRules.MostAttempts; attempt++)
        {
            var pending = await hook.AttemptedAsync(id, attempt);
            (pending.GetProperty("state").GetString(), pending.GetProperty("status_code").GetInt32()).ShouldBe(("pending", 503));
            var wait = await UntilDueAsync(app);
            var plain = Math.Min(10 * Math.Pow(3, attempt - 1), 21_600);
            wait.TotalSeconds.ShouldBeInRange(plain * 0.8 - 0.001, plain * 1.2);

            // No further: while time stands still no attempt runs out of it.
            _clock.Advance(wait);
            await AskedAsync(receiver, attempt + 1);
            hook = hook with { Owner = await app.SignInAsync(hook.Owner.Username) };
        }

        var dead = await hook.InStateAsync(id, "dead");
        (dead.GetProperty("attempts").GetInt32(), dead.GetProperty("reason").GetString()).ShouldBe((WebhookRules.MostAttempts, "status"));
        (await hook.DeliveriesAsync("dead")).Count.ShouldBe(1);
        (await hook.DeliveriesAsync("pending")).ShouldBeEmpty();
        receiver.Requests.ShouldBe(WebhookRules.MostAttempts);

        receiver.Status = 200;
        (await hook.RetryAsync(id)).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        (await hook.InStateAsync(id, "delivered")).GetProperty("attempts").GetInt32().ShouldBe(1);
        using var again = await hook.RetryAsync(id);
        await again.ShouldBeProblemAsync(HttpStatusCode.Conflict, "delivery_not_dead");
    }

    [Fact]
    public async Task A_receiver_may_say_when_it_wants_to_be_asked_again()
    {
        await using var app = await TestApp.StartAsync(_clock, settings: Hook.Settings);
        await using var receiver = await Receiver.StartAsync();
        var hook = await Hook.CreateAsync(await app.OwnerAsync(), receiver.Url);
        receiver.AnswerNext(context =>
        {
            context.Response.StatusCode = 429;
            context.Response.Headers.RetryAfter = "600";
            return Task.CompletedTask;
        });
        var id = await hook.TestAsync();
        await hook.AttemptedAsync(id, 1);

        (await UntilDueAsync(app)).TotalSeconds.ShouldBe(600, 0.01);
        _clock.Advance(TimeSpan.FromSeconds(600));
        await AskedAsync(receiver, 2);
        await hook.InStateAsync(id, "delivered");
    }

    [Fact]
    public async Task A_receiver_that_is_gone_is_not_asked_again()
    {
        await using var app = await TestApp.StartAsync(_clock, settings: Hook.Settings);
        await using var receiver = await Receiver.StartAsync();
        var hook = await Hook.CreateAsync(await app.OwnerAsync(), receiver.Url);
        receiver.AnswerNext(500);
        var first = await hook.TestAsync();
        await hook.AttemptedAsync(first, 1);
        var second = await hook.TestAsync();
        receiver.Status = 410;

        _clock.Advance(TimeSpan.FromSeconds(13));
        await AskedAsync(receiver, 2);

        await hook.InStateAsync(first, "dead");
        (await hook.InStateAsync(second, "dead")).GetProperty("reason").GetString().ShouldBe("deactivated");
        var read = await hook.ReadAsync();
        (read.GetProperty("active").GetBoolean(), read.GetProperty("inactive_reason").GetString()).ShouldBe((false, "gone"));
        receiver.Requests.ShouldBe(2);
    }

    [Fact]
    public async Task What_the_receiver_will_not_have_does_not_hold_up_the_rest()
    {
        await using var app = await TestApp.StartAsync(_clock, settings: Hook.Settings);
        await using var receiver = await Receiver.StartAsync();
        var hook = await Hook.CreateAsync(await app.OwnerAsync(), receiver.Url);
        receiver.AnswerNext(422);
        var first = await hook.TestAsync();
        var second = await hook.TestAsync();

        await hook.InStateAsync(first, "dead");
        await hook.InStateAsync(second, "delivered");
    }

    [Fact]
    public async Task A_receiver_that_does_not_answer_is_left_after_ten_seconds()
    {
        await using var app = await TestApp.StartAsync(_clock, settings: Hook.Settings);
        await using var receiver = await Receiver.StartAsync();
        var hook = await Hook.CreateAsync(await app.OwnerAsync(), receiver.Url);
        var asked = new TaskCompletionSource();
        receiver.AnswerNext(async context =>
        {
            asked.SetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        });
        var id = await hook.TestAsync();
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(20));

        _clock.Advance(WebhookSender.Timeout);

        (await hook.AttemptedAsync(id, 1)).GetProperty("reason").GetString().ShouldBe("timeout");
    }

    [Fact]
    public async Task A_restart_of_the_server_keeps_what_is_pending()
    {
        var folder = Directory.CreateTempSubdirectory("smartlock-test-");
        await using var receiver = await Receiver.StartAsync();
        receiver.Status = 503;
        string[] settings = [.. Hook.Settings, $"--Data:Folder={folder.FullName}"];
        Hook hook;
        string id;
        await using (var app = await TestApp.StartAsync(_clock, settings: settings))
        {
            hook = await Hook.CreateAsync(await app.OwnerAsync("ada"), receiver.Url);
            id = await hook.TestAsync();
            await hook.AttemptedAsync(id, 1);
            await hook.TestAsync();
        }

        receiver.Status = 204;
        _clock.Advance(TimeSpan.FromSeconds(13));
        await using (var app = await TestApp.StartAsync(_clock, settings: settings))
        {
            hook = hook with { Owner = await app.SignInAsync("ada") };
            (await hook.InStateAsync(id, "delivered")).GetProperty("attempts").GetInt32().ShouldBe(2);
            await Eventually.TrueAsync(async () => (await hook.DeliveriesAsync("delivered")).Count == 2, "both were delivered");
        }

        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_stop_in_the_middle_of_an_attempt_is_quick_and_the_attempt_is_made_again()
    {
        var folder = Directory.CreateTempSubdirectory("smartlock-test-");
        await using var receiver = await Receiver.StartAsync();
        var asked = new TaskCompletionSource();
        receiver.AnswerNext(async context =>
        {
            asked.SetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        });
        string[] settings = [.. Hook.Settings, $"--Data:Folder={folder.FullName}"];
        Hook hook;
        string id;
        await using (var app = await TestApp.StartAsync(_clock, settings: settings))
        {
            hook = await Hook.CreateAsync(await app.OwnerAsync("ada"), receiver.Url);
            id = await hook.TestAsync();
            await asked.Task.WaitAsync(TimeSpan.FromSeconds(20));
            await app.StopAsync().WaitAsync(TimeSpan.FromSeconds(8));
        }

        await using (var app = await TestApp.StartAsync(_clock, settings: settings))
        {
            hook = hook with { Owner = await app.SignInAsync("ada") };
            (await hook.InStateAsync(id, "delivered")).GetProperty("attempts").GetInt32().ShouldBe(1);
        }

        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task What_a_former_owner_has_not_had_yet_is_dropped()
    {
        await using var app = await TestApp.StartAsync(_clock, settings: Hook.Settings);
        await using var receiver = await Receiver.StartAsync();
        var owner = await app.OwnerAsync();
        await using var door = await Door.OpenAsync(app, owner, adjust: o => o with { Time = _clock });
        var hook = await Hook.CreateAsync(owner, receiver.Url, ["command"]);
        receiver.Status = 500;
        using var answer = await door.UnlockAsync(wait: null);
        await Eventually.TrueAsync(async () => (await hook.DeliveriesAsync()).Any(d => d.GetProperty("attempts").GetInt32() == 1), "an attempt was made");

        await app.GiveAsync(door, await app.OwnerAsync());
        receiver.Status = 200;
        _clock.Advance(TimeSpan.FromSeconds(13));

        await Eventually.TrueAsync(
            async () =>
            {
                _clock.Advance(TimeSpan.FromSeconds(1));
                return (await hook.DeliveriesAsync("pending")).Count == 0;
            },
            "nothing is pending");
        (await hook.DeliveriesAsync("dropped")).ShouldAllBe(d => d.GetProperty("reason").GetString() == "access_lost");
        (await hook.DeliveriesAsync("dropped")).Count.ShouldBeGreaterThan(0);
        receiver.Requests.ShouldBe(1);
        await hook.TestAsync();
        await receiver.NextAsync();
        (await receiver.NextAsync()).Event.ShouldBe("ping", "the webhook itself goes on");
    }

    [Fact]
    public async Task Slow_receivers_of_one_account_hold_up_nobody_else()
    {
        await using var app = await TestApp.StartAsync(_clock, settings: Hook.Settings);
        await using var slow = await Receiver.StartAsync();
        await using var healthy = await Receiver.StartAsync();
        var greedy = await app.OwnerAsync();
        var release = new TaskCompletionSource();
        for (var i = 0; i < 10; i++)
        {
            slow.AnswerNext(_ => release.Task.WaitAsync(TimeSpan.FromSeconds(20)));
            await (await Hook.CreateAsync(greedy, slow.Url)).TestAsync();
        }

        var other = await Hook.CreateAsync(await app.OwnerAsync(), healthy.Url);
        await other.TestAsync();

        (await healthy.NextAsync()).Event.ShouldBe("ping");
        slow.MostAtOnce.ShouldBeLessThanOrEqualTo(WebhookWorker.MostOfAccount);
        release.SetResult();
        for (var i = 0; i < 10; i++)
        {
            await slow.NextAsync();
        }

        slow.MostAtOnce.ShouldBe(WebhookWorker.MostOfAccount);
    }

    /// <summary>
    /// The worker may have read the clock before a leap and set its timer after it: then it is the steps that wake it. They end with the
    /// request, which has a time limit on this clock.
    /// </summary>
    private Task AskedAsync(Receiver receiver, int times) => Eventually.TrueAsync(
        () =>
        {
            var isAsked = receiver.Requests >= times;
            _clock.Advance(isAsked ? TimeSpan.Zero : Step);
            return isAsked;
        },
        $"the receiver was asked {times} times");

    private async Task<TimeSpan> UntilDueAsync(TestApp app)
    {
        var due = (await app.Services.GetRequiredService<IDeliveryStore>().NextDueAsync(_clock.GetUtcNow(), default))!.Value;
        return TimeSpan.FromMilliseconds(Math.Ceiling((due - _clock.GetUtcNow()).TotalMilliseconds));
    }
}
