using SmartLock.Server.Locks;
using Lock = SmartLock.Server.Locks.Lock;

namespace SmartLock.Server.Tests.Storage;

internal static class LockReads
{
    /// <summary>For tests where nothing depends on the time of asking.</summary>
    public static async Task<Lock?> FindAsync(this ILockStore store, string deviceId, string username, CancellationToken ct) =>
        (await store.FindAsync(deviceId, username, StoreSet.Noon, ct))?.Lock;
}
