namespace SmartLock.Server.Audit;

/// <summary>What binds the id that the log has for an account to the account's name.</summary>
/// <param name="NameKey">What the store finds the account by; null for a deleted one, as <paramref name="Username"/> is.</param>
/// <param name="NameHash">See <see cref="AuditChain.NameHashOf"/>; null for an account that the store does not find by it.</param>
/// <param name="Binding">See <see cref="AuditChain.BindingOf"/> and <see cref="AuditChain.RetiredBindingOf"/>; null where somebody removed it.</param>
internal sealed record AccountBinding(string Id, string? NameKey, string? Username, string? NameHash, byte[]? Binding)
{
    public override string ToString() => $"Binding of {Id}";
}

internal enum AccountFault
{
    /// <summary>Its id, its name or the proof that the two belong together was changed behind the server's back.</summary>
    Altered,

    /// <summary>Log entries name it, and the store has it neither as an account nor as a deleted one.</summary>
    Missing,

    /// <summary>Log entries were written while it was altered: whose they are cannot be told.</summary>
    WrittenWhileAltered,
}

/// <param name="Account">Its id; of entries that were written while it was altered, the hash that the store keeps its name by.</param>
/// <param name="Username">As the store has it now; null where it has none.</param>
internal sealed record BrokenAccount(string Account, string? Username, AccountFault Fault);

/// <summary>How the log names accounts. Pure.</summary>
internal static class LogNames
{
    private const string Prefix = "user:";
    private const string AlteredPrefix = "altered:";

    /// <summary>Names in the log are stored as account ids: a deleted account takes its name along, and no entry has to be rewritten.</summary>
    public static string Stored(string accountId) => Prefix + accountId;

    /// <summary>For who acts while the binding of their account is wrong: an entry under the id that it has would be another's deed for good.</summary>
    public static string StoredAltered(string nameHash) => AlteredPrefix + nameHash;

    /// <summary>Null when it names no account by its id.</summary>
    public static string? AccountIdOf(string stored) => stored.StartsWith(Prefix, StringComparison.Ordinal) ? stored[Prefix.Length..] : null;

    /// <summary>Null when it was not written by <see cref="StoredAltered"/>.</summary>
    public static string? AlteredOf(string stored) => stored.StartsWith(AlteredPrefix, StringComparison.Ordinal) ? stored[AlteredPrefix.Length..] : null;

    /// <summary>Devices, the system, and names that no account has (an imported entry's) are stored as they are.</summary>
    public static bool IsOfAccount(string name) => name != AuditActors.System && !name.Contains(':', StringComparison.Ordinal);
}
