using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Audit;

/// <summary>Section <c>Audit</c>.</summary>
internal sealed class AuditOptions
{
    /// <summary>Base64 of at least 32 random bytes. When absent, a key is made and kept in the data folder. All replicas need the same.</summary>
    public string? Key { get; init; }

    public static string? Check(AuditOptions options) => ServerKey.Check("Audit:Key", options.Key);
}
