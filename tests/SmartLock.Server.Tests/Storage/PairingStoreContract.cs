using System.Security.Cryptography;
using SmartLock.Server.Accounts;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Tests.Storage;

public abstract class PairingStoreContract : StoreContract
{
    private static readonly byte[] Code = SHA256.HashData([1]);
    private static readonly byte[] WrongCode = SHA256.HashData([2]);
    private static readonly DateTimeOffset Expiry = StoreSet.Noon.AddDays(30);

    [Fact]
    public async Task A_claimed_device_is_a_lock_with_the_key_it_was_prepared_with()
    {
        await Stores.CreateUsersAsync("ada");
        (await AddAsync("D1")).ShouldBe(AddDeviceOutcome.Added);
        (await Stores.Devices.FindAsync("D1", default)).ShouldBeNull("a device that waits is no device yet");

        var result = await ClaimAsync("D1");

        result.Outcome.ShouldBe(ClaimOutcome.Claimed);
        result.Lock.ShouldBe(await Stores.Locks.FindAsync("D1", "ada", default));
        (result.Lock!.Name, result.Lock.Owner, result.Lock.State).ShouldBe(("Hall", "ada", LockState.Unavailable));
        (await Stores.Devices.FindAsync("D1", default))!.ProtectedKey.ShouldBe([4, 5, 6]);
        (await Stores.Pairings.ListAsync(null, 10, default)).Items.ShouldBeEmpty();
        (await Stores.WholeLogAsync("D1")).ShouldBe(["boss device.add added", "ada lock.claim claimed"]);
    }

    [Fact]
    public async Task Of_many_who_claim_at_once_one_gets_it()
    {
        await AddAsync("D1");

        var results = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => ClaimAsync("D1", by: $"user{i}")));

        results.Count(result => result.Outcome is ClaimOutcome.Claimed).ShouldBe(1);
        results.Count(result => result.Outcome is ClaimOutcome.Refused).ShouldBe(49);
    }

    [Fact]
    public async Task Every_refusal_is_the_same_to_who_asked_and_logged()
    {
        await AddAsync("D1");
        await AddAsync("D2", expiresAt: StoreSet.Noon.AddSeconds(1));

        (await ClaimAsync("D1", WrongCode)).ShouldBe(new ClaimResult(ClaimOutcome.Refused));
        (await ClaimAsync("D2", now: StoreSet.Noon.AddSeconds(1))).ShouldBe(new ClaimResult(ClaimOutcome.Refused));
        (await ClaimAsync("D9")).ShouldBe(new ClaimResult(ClaimOutcome.Refused));

        (await Stores.WholeLogAsync("D1"))[^1].ShouldBe("ada lock.claim refused: wrong code");
        (await Stores.WholeLogAsync("D2"))[^1].ShouldBe("ada lock.claim refused: not pending");
        (await Stores.WholeLogAsync("D9"))[^1].ShouldBe("ada lock.claim refused: not pending");
        (await ClaimAsync("D1")).Outcome.ShouldBe(ClaimOutcome.Claimed, "one wrong code does not void it");
    }

    [Fact]
    public async Task Ten_wrong_codes_shut_out_who_gave_them_and_nobody_else()
    {
        await Stores.CreateUsersAsync("ada", "eve");
        await AddAsync("D1");
        await AddAsync("D2");

        await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => ClaimAsync("D1", WrongCode, "EVE")));

        (await ClaimAsync("D1", by: "eve")).ShouldBe(new ClaimResult(ClaimOutcome.Refused));
        (await Stores.WholeLogAsync("D1"))[^1].ShouldBe("eve lock.claim refused: too many wrong codes");
        (await Stores.Pairings.ListAsync(null, 1, default)).Items.ShouldBe([new Pairing("D1", false, StoreSet.Noon, Expiry, PairingRules.MaxWrongCodesOfOne)]);
        (await ClaimAsync("D2", by: "eve")).Outcome.ShouldBe(ClaimOutcome.Claimed, "it is one device that was guessed at");
        (await ClaimAsync("D1")).Outcome.ShouldBe(ClaimOutcome.Claimed);
    }

    [Fact]
    public async Task However_many_wrong_codes_others_try_its_owner_still_claims_it()
    {
        const int WrongCodes = 1_000;
        var guessers = Enumerable.Range(0, WrongCodes / PairingRules.MaxWrongCodesOfOne).Select(i => $"eve{i}").ToArray();
        await Stores.CreateUsersAsync([.. guessers, "ada"]);
        await AddAsync("D1");

        // As many at once as a store's connections may be asked for.
        foreach (var part in Enumerable.Range(0, WrongCodes).Chunk(guessers.Length))
        {
            await Task.WhenAll(part.Select(i => ClaimAsync("D1", WrongCode, guessers[i % guessers.Length])));
        }

        (await Stores.Pairings.ListAsync(null, 1, default)).Items.Single().WrongCodes.ShouldBe(WrongCodes);
        (await ClaimAsync("D1")).Outcome.ShouldBe(ClaimOutcome.Claimed);
    }

    [Fact]
    public async Task A_refusal_that_is_not_to_be_recorded_leaves_no_entry_and_still_counts()
    {
        await Stores.CreateUsersAsync("eve", "ada");
        await AddAsync("D1");
        var before = await Stores.WholeLogAsync("D1");
        var unrecorded = new LockChange("D1", "eve", StoreSet.Noon) { RecordsRefusal = false };

        (await Stores.Pairings.ClaimAsync(unrecorded, "Door", WrongCode, StoreSet.ManyLocks, default)).Outcome
            .ShouldBe(ClaimOutcome.Refused);

        (await Stores.WholeLogAsync("D1")).ShouldBe(before);
        (await Stores.Pairings.ListAsync(null, 1, default)).Items.Single().WrongCodes.ShouldBe(1);
        (await ClaimAsync("D1")).Outcome.ShouldBe(ClaimOutcome.Claimed);
        (await Stores.WholeLogAsync("D1"))[^1].ShouldContain("claimed", customMessage: "what succeeds is recorded always");
    }

    [Fact]
    public async Task Who_has_too_many_locks_claims_nothing_and_may_come_again()
    {
        await Stores.RegisterAsync("E1");
        await AddAsync("D1");

        (await ClaimAsync("D1", maxPerOwner: 1)).ShouldBe(new ClaimResult(ClaimOutcome.TooManyLocks));
        (await ClaimAsync("D1", maxPerOwner: 2)).Outcome.ShouldBe(ClaimOutcome.Claimed);
    }

    [Fact]
    public async Task An_account_that_was_deleted_while_it_asked_gets_nothing()
    {
        await Stores.CreateUsersAsync("ada");
        await AddAsync("D1");
        (await Stores.Users.DeleteAsync("ada", "ada", StoreSet.Noon, default)).ShouldBe(DeleteUserOutcome.Deleted);

        (await ClaimAsync("D1")).Outcome.ShouldNotBe(ClaimOutcome.Claimed);
        (await Stores.RegisterAsync("D2")).ShouldNotBe(RegisterLockOutcome.Registered);
    }

    [Fact]
    public async Task A_device_id_is_prepared_or_registered_once()
    {
        await Stores.CreateUsersAsync("ada");
        await AddAsync("D1");
        await Stores.RegisterAsync("E1");

        (await AddAsync("D1")).ShouldBe(AddDeviceOutcome.DeviceIdTaken);
        (await AddAsync("E1")).ShouldBe(AddDeviceOutcome.DeviceIdTaken);
        (await Stores.RegisterAsync("D1")).ShouldBe(RegisterLockOutcome.DeviceIdTaken);
        (await AddOwnedAsync("D1", "ada")).Outcome.ShouldBe(AddDeviceOutcome.DeviceIdTaken);
        (await AddOwnedAsync("E1", "ada")).Outcome.ShouldBe(AddDeviceOutcome.DeviceIdTaken);
    }

    [Fact]
    public async Task An_expired_one_stands_in_nobodys_way()
    {
        await AddAsync("D1", expiresAt: StoreSet.Noon);

        (await Stores.RegisterAsync("D1")).ShouldBe(RegisterLockOutcome.Registered);

        (await Stores.Pairings.ListAsync(null, 10, default)).Items.ShouldBeEmpty();
        (await Stores.Devices.FindAsync("D1", default))!.ProtectedKey.ShouldBe([1, 2, 3]);
    }

    [Fact]
    public async Task A_device_with_an_owner_is_his_lock_at_once()
    {
        await Stores.CreateUsersAsync("Ada");

        var result = await AddOwnedAsync("D1", "ADA");

        result.Outcome.ShouldBe(AddDeviceOutcome.Added);
        result.Lock.ShouldBe(await Stores.Locks.FindAsync("D1", "Ada", default));
        (await Stores.WholeLogAsync("D1")).ShouldBe(["boss lock.register registered > Ada"]);
        (await AddOwnedAsync("D2", "nobody")).Outcome.ShouldBe(AddDeviceOutcome.UserNotFound);
        (await AddOwnedAsync("D2", "ada", maxPerOwner: 1)).Outcome.ShouldBe(AddDeviceOutcome.TooManyLocks);
    }

    [Fact]
    public async Task What_is_taken_back_cannot_be_claimed()
    {
        await AddAsync("D1");

        (await Stores.Pairings.RemoveAsync(new LockChange("D1", "boss", StoreSet.Noon), default)).ShouldBeTrue();
        (await Stores.Pairings.RemoveAsync(new LockChange("D1", "boss", StoreSet.Noon), default)).ShouldBeFalse();

        (await ClaimAsync("D1")).Outcome.ShouldBe(ClaimOutcome.Refused);
        (await Stores.WholeLogAsync("D1")).ShouldBe(["boss device.add added", "boss device.remove removed", "ada lock.claim refused: not pending"]);
    }

    [Fact]
    public async Task Waiting_devices_are_listed_in_pages()
    {
        foreach (var id in (string[])["D2", "D1", "D3"])
        {
            await AddAsync(id);
        }

        var first = await Stores.Pairings.ListAsync(null, 2, default);
        LockCursor.Pairings.TryDecode(first.Next!, out var after).ShouldBeTrue();
        var second = await Stores.Pairings.ListAsync(after, 2, default);

        first.Items.Concat(second.Items).Select(item => item.DeviceId).ShouldBe(["D1", "D2", "D3"]);
        second.Next.ShouldBeNull();
    }

    private Task<AddDeviceOutcome> AddAsync(string deviceId, DateTimeOffset? expiresAt = null) =>
        Stores.Pairings.AddAsync(new NewPairing(deviceId, [4, 5, 6], Unsigned: false, Code, StoreSet.Noon, expiresAt ?? Expiry), "boss", default);

    private Task<AddDeviceResult> AddOwnedAsync(string deviceId, string owner, int maxPerOwner = 10) =>
        Stores.Pairings.AddOwnedAsync(new NewLock(deviceId, "Hall", owner, [4, 5, 6], Unsigned: false, StoreSet.Noon), maxPerOwner, "boss", default);

    private Task<ClaimResult> ClaimAsync(string deviceId, byte[]? code = null, string by = "ada", DateTimeOffset? now = null, int maxPerOwner = 10) =>
        Stores.Pairings.ClaimAsync(new LockChange(deviceId, by, now ?? StoreSet.Noon), "Hall", code ?? Code, maxPerOwner, default);
}
