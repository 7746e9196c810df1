using System.Security.Cryptography;
using System.Text;
using SmartLock.Server.Commands;
using SmartLock.Server.Locks;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Tests.Storage;

/// <summary>A lock that is removed leaves nothing for whoever registers its device id next, whatever it had.</summary>
public abstract class RemovedLockContract : StoreContract
{
    private const string DeviceId = "ESP32-TO-BE-REMOVED";
    private const string Other = "ESP32-TO-STAY";
    private static readonly byte[] Code = SHA256.HashData("the code"u8);

    private protected abstract IWebhookStore Webhooks { get; }

    private protected abstract IDeliveryStore Deliveries { get; }

    /// <summary>The tables or collections that hold the log, by name in order.</summary>
    private protected abstract IReadOnlyList<string> LogPlaces { get; }

    /// <summary>The tables or collections with a record that holds the text anywhere, by name in order.</summary>
    private protected abstract Task<IReadOnlyList<string>> FindPlacesAsync(string text);

    [Fact]
    public async Task Nothing_but_its_log_is_left_of_a_lock_that_had_everything()
    {
        await Stores.CreateUsersAsync("ada", "bob", "cy");
        await LiveAsync(DeviceId);
        await LiveAsync(Other);
        var before = await FindPlacesAsync(Other);
        (await FindPlacesAsync(DeviceId)).ShouldBe(before);
        before.Count.ShouldBeGreaterThan(LogPlaces.Count);

        (await Stores.Locks.RemoveAsync(new LockChange(DeviceId, "ada", StoreSet.Noon), default)).ShouldBe(ChangeLockOutcome.Changed);

        (await FindPlacesAsync(DeviceId)).ShouldBe(LogPlaces);
        (await FindPlacesAsync(Other)).ShouldBe(before);
    }

    [Fact]
    public async Task The_next_owner_of_the_device_begins_anew()
    {
        await Stores.CreateUsersAsync("ada", "bob", "cy");
        await LiveAsync(DeviceId);
        await Stores.Locks.RemoveAsync(new LockChange(DeviceId, "ada", StoreSet.Noon), default);

        (await Stores.RegisterAsync(DeviceId, "cy")).ShouldBe(RegisterLockOutcome.Registered);

        (await Stores.Locks.FindAsync(DeviceId, "cy", StoreSet.Noon, default))!.Lock.ShouldBe(
            new NewLock(DeviceId, $"Door {DeviceId}", "cy", [1, 2, 3], Unsigned: false, StoreSet.Noon).ToLock());
        (await Stores.Shares.ListAsync(DeviceId, "cy", StoreSet.Noon, default)).Shares.ShouldBe([]);
        (await Stores.LogAsync(DeviceId, "cy")).ShouldBe(["cy lock.register registered"]);
        (await Stores.Locks.FindAsync(DeviceId, "bob", StoreSet.Noon, default)).ShouldBeNull();
        (await Webhooks.ListAsync("bob", null, 10, default)).Items.ShouldBeEmpty();
    }

    /// <summary>Claimed after a wrong code, reported, shared, moved, lost, asked for by webhooks, and given another key.</summary>
    private async Task LiveAsync(string deviceId)
    {
        var pairing = new NewPairing(deviceId, [1, 2, 3], Unsigned: false, Code, StoreSet.Noon, StoreSet.Noon.AddDays(1));
        await Stores.Pairings.AddAsync(pairing, "boss", default);
        await ClaimAsync(deviceId, "bob", SHA256.HashData("another code"u8));
        (await ClaimAsync(deviceId, "ada", Code)).Outcome.ShouldBe(ClaimOutcome.Claimed);
        var device = (await Stores.Devices.FindAsync(deviceId, default))!;
        await Stores.ReportAsync(StoreSet.Report(deviceId) with { KeyFrom = device.KeyFrom });
        await Stores.ShareAsync(deviceId, "bob", ShareRole.Operator);
        await Stores.ShareAsync(deviceId, "cy", ShareRole.Viewer, until: StoreSet.Noon.AddHours(1));
        await Stores.Commands.IssueAsync(StoreSet.Unlock(deviceId, $"1-{deviceId}", key: $"key-{deviceId}"), default);
        await Stores.Commands.IssueAsync(StoreSet.Unlock(deviceId, $"2-{deviceId}", "bob"), default);
        await Stores.Commands.FailAsync($"1-{deviceId}", "unreachable", StoreSet.Noon, default);
        await HookAsync(deviceId, "ada");
        await HookAsync(deviceId, "bob");
        await Stores.LoseAsync(deviceId, 500);
        await Stores.Locks.ReplaceKeyAsync(new LockChange(deviceId, "ada", StoreSet.Noon), [4, 5, 6], endUnsigned: false, default);
        (await Stores.Commands.FindAsync($"2-{deviceId}", "bob", default))!.State.ShouldBe(CommandState.Sent);
    }

    private Task<ClaimResult> ClaimAsync(string deviceId, string actor, byte[] code) =>
        Stores.Pairings.ClaimAsync(new LockChange(deviceId, actor, StoreSet.Noon), $"Door {deviceId}", code, StoreSet.ManyLocks, default);

    /// <summary>A webhook for this lock, with something in its queue.</summary>
    private async Task HookAsync(string deviceId, string username)
    {
        var webhook = new Webhook($"{username}-{deviceId}", "https://example.org/", ["lock"], deviceId, Active: true, null, StoreSet.Noon);
        (await Webhooks.CreateAsync(new NewWebhook(webhook, [7]), username, 10, default)).ShouldBe(CreateWebhookOutcome.Created);
        var delivery = new NewDelivery(
            $"D-{webhook.Id}", webhook.Id, "lock", deviceId, Encoding.UTF8.GetBytes($"about {deviceId}"), StoreSet.Noon, StoreSet.Noon.AddDays(1));
        await Deliveries.EnqueueAsync([delivery], 100, default);
        (await Deliveries.ListAsync(webhook.Id, username, null, null, 10, default))!.Items.Count.ShouldBe(1);
    }
}
