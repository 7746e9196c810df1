using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

internal static class UserCursor
{
    /// <summary>Positions are user names.</summary>
    public static readonly Cursor Instance = new("users");
}
