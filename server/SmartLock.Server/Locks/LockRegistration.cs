using Microsoft.Extensions.Options;
using SmartLock.Server.Audit;
using SmartLock.Server.Live;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Locks;

/// <param name="Lock">Set when registered.</param>
/// <param name="Key">The device's key, for its owner's eyes; set when registered.</param>
internal sealed record Registration(RegisterLockOutcome Outcome, Lock? Lock = null, byte[]? Key = null)
{
    public override string ToString() => $"{Outcome} {Lock?.DeviceId}";
}

/// <summary>Gives a new lock its key and stores both.</summary>
internal sealed class LockRegistration(ILockStore store, DeviceKeys keys, LiveFeed live, IOptions<LockOptions> options, TimeProvider time)
{
    public async Task<Registration> RegisterAsync(RegisterLockRequest request, string owner, CancellationToken ct)
    {
        // Whole milliseconds, as the store keeps them: the answer shows what later reads will.
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        var key = DeviceKeys.NewKey();
        var outcome = await store.RegisterAsync(
            new NewLock(request.DeviceId, request.Name, owner, keys.Protect(request.DeviceId, key), request.Unsigned, now),
            options.Value.MaxPerOwner,
            new NewAuditEntry(now, request.DeviceId, owner, AuditActions.LockRegistered, AuditResults.Registered),
            ct);
        if (outcome is not RegisterLockOutcome.Registered)
        {
            return new Registration(outcome);
        }

        live.AccessChanged(request.DeviceId, [owner]);
        return new Registration(outcome, NewlyMade(request, owner, now), key);
    }

    /// <summary>As <see cref="ILockStore.RegisterAsync"/> writes it.</summary>
    private static Lock NewlyMade(RegisterLockRequest request, string owner, DateTimeOffset now) => new()
    {
        DeviceId = request.DeviceId,
        Name = request.Name,
        Owner = owner,
        Issue = LockIssues.NoHeartbeat,
        Unsigned = request.Unsigned,
        CreatedAt = now,
    };
}
