using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Audit;

/// <param name="DeviceId">The lock; <c>@accounts</c> for what was done to an account.</param>
/// <param name="Actor">A user name; <c>device:ID</c> for what a device reported; <c>system</c> for what the server found; <c>deleted:…</c> for a deleted account.</param>
/// <param name="Result">For attempts <c>sent</c> or why they were refused; for verdicts the device's own word.</param>
/// <param name="Target">User name of the account it was done to or for.</param>
/// <param name="Issue">Why the lock became Unavailable, such as <c>No heartbeat</c>; null for every other entry.</param>
/// <param name="Sequence">Position in the lock's chain, from 1 without gaps.</param>
/// <param name="PreviousHash">The hash of the entry before in the same chain, 64 hex digits; zeros for the first.</param>
/// <param name="Hash">64 hex digits: over the entry and the hash before it, under the server's audit key.</param>
internal sealed record AuditEntryResponse(
    long Id,
    DateTimeOffset Time,
    string DeviceId,
    string Actor,
    string Action,
    string Result,
    string? CommandId,
    string? Target,
    string? Issue,
    long Sequence,
    string PreviousHash,
    string Hash)
{
    public static AuditEntryResponse Of(AuditEntry entry) => new(
        entry.Id,
        entry.Time,
        entry.DeviceId,
        entry.Actor,
        entry.Action,
        entry.Result,
        entry.CommandId,
        entry.Target,
        entry.Issue,
        entry.Sequence,
        Convert.ToHexStringLower(entry.PreviousHash),
        Convert.ToHexStringLower(entry.Hash));
}

/// <param name="Next">The cursor of the next page; null at the end. A page may hold less than asked for, or nothing, and still have a next.</param>
internal sealed record AuditPageResponse(IReadOnlyList<AuditEntryResponse> Items, string? Next)
{
    public static AuditPageResponse Of(Page<AuditEntry> page) => new([.. page.Items.Select(AuditEntryResponse.Of)], page.Next);
}

/// <param name="Sequence">Position in the lock's chain.</param>
/// <param name="Id">Position in the whole log; null when there is no such entry any more.</param>
internal sealed record BrokenChainResponse(string DeviceId, long Sequence, long? Id, ChainFault Fault);

/// <param name="Account">The id that the log has for it, or the hash of its name where entries were written while it was altered.</param>
/// <param name="Username">As the store has it now; null where it has none.</param>
internal sealed record BrokenAccountResponse(string Account, string? Username, AccountFault Fault);

/// <param name="Broken">The first faulty entry of each broken chain; of many chains the first hundred.</param>
/// <param name="BrokenAccounts">How many accounts were changed behind the server's back, so that entries are shown under a wrong name or none.</param>
/// <param name="Accounts">Of many the first hundred.</param>
internal sealed record VerificationResponse(
    bool Intact,
    long Entries,
    long Chains,
    long BrokenChains,
    IReadOnlyList<BrokenChainResponse> Broken,
    long BrokenAccounts,
    IReadOnlyList<BrokenAccountResponse> Accounts)
{
    public static VerificationResponse Of(VerificationReport report) => new(
        report.IsIntact,
        report.Entries,
        report.Chains,
        report.BrokenChains,
        [.. report.Broken.Select(b => new BrokenChainResponse(b.DeviceId, b.Sequence, b.Id, b.Fault))],
        report.BrokenAccounts,
        [.. report.Accounts.Select(a => new BrokenAccountResponse(a.Account, a.Username, a.Fault))]);
}
