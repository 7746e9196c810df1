using Microsoft.Extensions.Options;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Audit;

/// <summary><c>Audit:Key</c>, or a key that the first start makes. The store provides it when it is opened, since it knows what was written under it.</summary>
internal sealed class AuditKey(IOptions<AuditOptions> options, DataFolder folder)
{
    private const string FileName = "audit.key";

    public ServerKey Key { get; } = new("Audit:Key", options.Value.Key, folder, FileName);
}
