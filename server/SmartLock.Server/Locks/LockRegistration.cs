using Microsoft.Extensions.Options;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Locks;

/// <param name="Lock">Set when registered.</param>
/// <param name="Key">The device's key, for its owner's eyes; set when registered.</param>
internal sealed record Registration(RegisterLockOutcome Outcome, Lock? Lock = null, byte[]? Key = null)
{
    public override string ToString() => $"{Outcome} {Lock?.DeviceId}";
}

/// <summary>Gives a new lock its key and stores both.</summary>
internal sealed class LockRegistration(ILockStore store, DeviceKeys keys, Events<LockAccessChanged> accessChanged, IOptions<LockOptions> options, TimeProvider time)
{
    public async Task<Registration> RegisterAsync(RegisterLockRequest request, string owner, CancellationToken ct)
    {
        // Whole milliseconds, as the store keeps them: the answer shows what later reads will.
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        var key = DeviceKeys.NewKey();
        var newLock = new NewLock(request.DeviceId, request.Name, owner, keys.Protect(request.DeviceId, key), request.Unsigned, now);
        var outcome = await store.RegisterAsync(
            newLock,
            options.Value.MaxPerOwner,
            new NewAuditEntry(now, request.DeviceId, owner, AuditActions.LockRegistered, AuditResults.Registered),
            ct);
        if (outcome is not RegisterLockOutcome.Registered)
        {
            return new Registration(outcome);
        }

        accessChanged.Publish(LockAccessChanged.Of(request.DeviceId, owner));
        return new Registration(outcome, newLock.ToLock(), key);
    }
}
