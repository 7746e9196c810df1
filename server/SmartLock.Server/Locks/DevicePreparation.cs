using Microsoft.Extensions.Options;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Locks;

/// <summary>
/// Makes a key for a device before anybody has registered it: the operator writes it into the device, and the device either has an owner
/// at once or waits for who holds its claim code.
/// </summary>
internal sealed class DevicePreparation(IPairingStore store, DeviceKeys keys, Events<LockAccessChanged> accessChanged, IOptions<LockOptions> options, TimeProvider time)
{
    /// <param name="request">Checked by <see cref="PairingRules.Check"/>.</param>
    public Task<Result> AddAsync(Request request, string actor, CancellationToken ct)
    {
        // Whole milliseconds, as the store keeps them: the answer shows what later reads will.
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        return request.Owner is null ? AddWaitingAsync(request, actor, now, ct) : AddOwnedAsync(request, request.Owner, actor, now, ct);
    }

    private async Task<Result> AddWaitingAsync(Request request, string actor, DateTimeOffset now, CancellationToken ct)
    {
        var key = DeviceKeys.NewKey();
        var code = ClaimCode.New();
        var pairing = new NewPairing(
            request.DeviceId,
            keys.Protect(request.DeviceId, key),
            request.Unsigned,
            ClaimCode.HashOf(code)!,
            now,
            now.AddDays(request.ExpiresDays ?? PairingRules.DefaultDays));
        var outcome = await store.AddAsync(pairing, actor, ct);
        return outcome is AddDeviceOutcome.Added ? new Result(outcome, key, code, pairing.ExpiresAt) : new Result(outcome);
    }

    private async Task<Result> AddOwnedAsync(Request request, string owner, string actor, DateTimeOffset now, CancellationToken ct)
    {
        var key = DeviceKeys.NewKey();
        var newLock = new NewLock(request.DeviceId, request.Name!, owner, keys.Protect(request.DeviceId, key), request.Unsigned, now);
        var added = await store.AddOwnedAsync(newLock, options.Value.MaxPerOwner, actor, ct);
        if (added.Outcome is not AddDeviceOutcome.Added)
        {
            return new Result(added.Outcome);
        }

        accessChanged.Publish(LockAccessChanged.Of(request.DeviceId, added.Lock!.Owner));
        return new Result(added.Outcome, key, Lock: added.Lock);
    }

    /// <param name="Owner">Null for a device that waits to be claimed.</param>
    /// <param name="Name">The lock's, with an owner only.</param>
    /// <param name="ExpiresDays">How long it waits; <see cref="PairingRules.DefaultDays"/> when null.</param>
    internal sealed record Request(string DeviceId, bool Unsigned = false, string? Owner = null, string? Name = null, int? ExpiresDays = null);

    /// <param name="Key">Set when added. It and the code are shown now and never again.</param>
    /// <param name="Code">Set for a device that waits.</param>
    /// <param name="Lock">Set for a device with an owner.</param>
    internal sealed record Result(AddDeviceOutcome Outcome, byte[]? Key = null, string? Code = null, DateTimeOffset? ExpiresAt = null, Lock? Lock = null)
    {
        public override string ToString() => $"{Outcome} {Lock?.DeviceId}";
    }
}
