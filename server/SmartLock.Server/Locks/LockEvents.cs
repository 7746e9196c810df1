namespace SmartLock.Server.Locks;

/// <summary>The status, state or issue of these locks is another in the store now.</summary>
internal sealed record LocksChanged(IReadOnlyCollection<string> DeviceIds);

/// <summary>These accounts have another access to the lock now, or none.</summary>
/// <param name="Usernames">Each once, in any case.</param>
internal sealed record LockAccessChanged(string DeviceId, IReadOnlyCollection<string> Usernames)
{
    public static LockAccessChanged Of(string deviceId, params IEnumerable<string> usernames) =>
        new(deviceId, [.. usernames.Distinct(StringComparer.OrdinalIgnoreCase)]);
}
