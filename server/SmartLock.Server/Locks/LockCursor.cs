using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Locks;

/// <summary>Positions are device ids.</summary>
internal static class LockCursor
{
    public static readonly Cursor Instance = new("locks");

    public static readonly Cursor Everybodys = new("admin/locks");

    public static readonly Cursor Pairings = new("admin/devices");
}
