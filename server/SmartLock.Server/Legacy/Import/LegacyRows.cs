namespace SmartLock.Server.Legacy.Import;

// What the first system's database holds, as far as it can be read: a member is null when it is missing or of another kind than it should be.

/// <param name="Id">Of the document, as text.</param>
/// <param name="RegisteredAt">When the document was made, to the second: its id says so.</param>
/// <param name="Password">As its owner typed it.</param>
internal sealed record LegacyUser(string Id, DateTimeOffset? RegisteredAt, string? Username, string? Password, string? Email, bool IsAdmin)
{
    public override string ToString() => $"OriginalUser {Id}";
}

internal sealed record LegacyLockRow(string? DeviceId, string? Name, string? Owner);

/// <param name="UserId">A user's name, or the id of the user's document.</param>
internal sealed record LegacyCommandRow(string Id, DateTimeOffset? Time, string? DeviceId, string? Action, string? UserId);

/// <summary>The first system's database, which is only read.</summary>
internal interface ILegacyDatabase
{
    /// <summary>The earliest first.</summary>
    IAsyncEnumerable<LegacyUser> ReadUsersAsync(CancellationToken ct);

    IAsyncEnumerable<LegacyLockRow> ReadLocksAsync(CancellationToken ct);

    /// <summary>The rows of its log that are about a command, the earliest first.</summary>
    IAsyncEnumerable<LegacyCommandRow> ReadCommandsAsync(CancellationToken ct);

    /// <summary>The other rows.</summary>
    Task<long> CountHeartbeatsAsync(CancellationToken ct);
}

/// <summary>Says in a sentence of its own, without the driver's text, why the first system's database cannot be read.</summary>
internal sealed class LegacyUnreadableException(string message, Exception? inner = null) : Exception(message, inner);
