using Microsoft.Extensions.Options;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Locks;

/// <param name="Lock">Set when changed.</param>
/// <param name="Key">The new key, for its owner's eyes; set when changed.</param>
internal sealed record KeyRotation(ChangeLockOutcome Outcome, Lock? Lock = null, byte[]? Key = null)
{
    public override string ToString() => $"{Outcome}";
}

/// <summary>
/// The changes after which somebody or something may no longer do what it could: each takes its turn among the lock's commands, so that
/// none that was recorded before it is published after it, and ends what the old state of things let in.
/// </summary>
internal sealed class LockChanges(
    ILockStore locks,
    ILockAdminStore everybodys,
    DeviceMutex mutex,
    DeviceCache registry,
    IDeviceLink link,
    DeviceKeys keys,
    ILiveStore viewers,
    Events<LockAccessChanged> accessChanged,
    IOptions<LockOptions> options,
    TimeProvider time)
{
    private const int ForgottenAtOnce = 1_000;

    public async Task<ChangeLockOutcome> RemoveAsync(string deviceId, string actor, CancellationToken ct)
    {
        await ForgetCommandsAsync(ChangeOf(deviceId, actor), ct);
        ValueTask disconnected;
        using (await mutex.EnterAsync(deviceId, ct))
        {
            var audience = await AudienceOfAsync(deviceId, ct);
            var outcome = await locks.RemoveAsync(ChangeOf(deviceId, actor), ct);
            if (outcome is not ChangeLockOutcome.Changed)
            {
                return outcome;
            }

            accessChanged.Publish(LockAccessChanged.Of(deviceId, audience));
            disconnected = EndLogins(deviceId);
        }

        await disconnected;
        return ChangeLockOutcome.Changed;
    }

    /// <summary>Before its turn, and in small writes. What is younger than a day may still be asked for again under its idempotency key.</summary>
    private async Task ForgetCommandsAsync(LockChange change, CancellationToken ct)
    {
        int forgotten;
        do
        {
            forgotten = await locks.ForgetCommandsAsync(change, change.Now - TimeSpan.FromDays(1), ForgottenAtOnce, ct);
        }
        while (forgotten == ForgottenAtOnce);
    }

    /// <param name="endUnsigned">
    /// From then on an unsigned lock's statuses are believed, and its commands sent, with signatures. Never without a new key: of the old
    /// one its owner may never have seen more than the broker login, which a sketch sends in the clear.
    /// </param>
    public async Task<KeyRotation> RotateKeyAsync(string deviceId, string actor, bool endUnsigned, CancellationToken ct)
    {
        var key = DeviceKeys.NewKey();
        ReplaceKeyResult replaced;
        ValueTask disconnected;
        using (await mutex.EnterAsync(deviceId, ct))
        {
            replaced = await locks.ReplaceKeyAsync(ChangeOf(deviceId, actor), keys.Protect(deviceId, key), endUnsigned, ct);
            if (replaced.Outcome is not ChangeLockOutcome.Changed)
            {
                return new KeyRotation(replaced.Outcome);
            }

            disconnected = EndLogins(deviceId);
        }

        await disconnected;
        return new KeyRotation(ChangeLockOutcome.Changed, replaced.Lock, key);
    }

    /// <summary>The device keeps its key: the new owner rotates it if the old one may have kept a copy.</summary>
    public async Task<ReassignResult> ReassignAsync(string deviceId, string owner, string actor, CancellationToken ct)
    {
        using var turn = await mutex.EnterAsync(deviceId, ct);
        var audience = await AudienceOfAsync(deviceId, ct);
        var result = await everybodys.ReassignAsync(ChangeOf(deviceId, actor), owner, options.Value.MaxPerOwner, ct);
        if (result.Outcome is ReassignOutcome.Reassigned)
        {
            registry.SetOwner(deviceId, result.Lock!.Owner);
            accessChanged.Publish(LockAccessChanged.Of(deviceId, [.. audience, result.Lock.Owner]));
        }

        return result;
    }

    /// <summary>Who may see the lock, to be asked before they lose it.</summary>
    private async Task<IReadOnlyList<string>> AudienceOfAsync(string deviceId, CancellationToken ct) =>
        (await viewers.FindAsync([deviceId], time.GetUtcNow(), ct)).GetValueOrDefault(deviceId)?.Audience ?? [];

    private LockChange ChangeOf(string deviceId, string actor) => new(deviceId, actor, time.GetUtcNow());

    /// <summary>
    /// The order matters: the store no longer has the old key, then memory forgets it, then its connections end; a login under way in
    /// between is asked again. They are ended when this returns; what is awaited later are their DISCONNECT packets.
    /// </summary>
    private ValueTask EndLogins(string deviceId)
    {
        registry.Forget(deviceId);
        return link.EndSessionsAsync(deviceId);
    }
}
