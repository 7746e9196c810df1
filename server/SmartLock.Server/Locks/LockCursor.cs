using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Locks;

internal static class LockCursor
{
    /// <summary>Positions are device ids.</summary>
    public static readonly Cursor Instance = new("locks");
}
