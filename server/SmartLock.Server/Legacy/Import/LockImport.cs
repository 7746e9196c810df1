using SmartLock.Server.Audit;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Legacy.Import;

/// <param name="Wanted">To be registered, by device id.</param>
/// <param name="There">Device ids of those that were brought over before.</param>
internal sealed record LocksFound(IReadOnlyDictionary<string, LegacyLockRow> Wanted, IReadOnlySet<string> There);

/// <summary>The locks' part of the import. Each gets a new key, which its owner has shown by rotating it.</summary>
internal sealed class LockImport(
    ILockStore locks, IDeviceStore devices, IPairingStore pairings, IAuditStore log, DeviceKeys keys, TimeProvider time)
{
    private const int MostEntries = 100;

    /// <param name="owners">The names, as they were written there, of those who have an account here.</param>
    public async Task<LocksFound> SortAsync(ILegacyDatabase original, IReadOnlySet<string> owners, ImportReport report, CancellationToken ct)
    {
        var wanted = new Dictionary<string, LegacyLockRow>(StringComparer.Ordinal);
        var there = new HashSet<string>(StringComparer.Ordinal);
        var waiting = await WaitingAsync(ct);
        await foreach (var row in original.ReadLocksAsync(ct))
        {
            var refusal = ImportRules.Refuse(row, owners) ?? (waiting.Contains(row.DeviceId!) ? "under whose id a prepared device waits here" : null);
            if (refusal is null && await devices.FindAsync(row.DeviceId!, ct) is not null)
            {
                if ((await locks.FindAsync(row.DeviceId!, row.Owner!, time.GetUtcNow(), ct))?.Access is LockAccess.Owner)
                {
                    there.Add(row.DeviceId!);
                    report.NoteThere(ImportKind.Locks);
                    continue;
                }

                refusal = "whose id is that of somebody else's lock here";
            }

            refusal ??= await WasRemovedAsync(row.DeviceId!, ct) ? "that were brought over before and have been removed here" : null;
            if (refusal is not null)
            {
                report.LeaveOut(ImportKind.Locks, refusal, row.DeviceId);
            }
            else
            {
                wanted[row.DeviceId!] = row;
            }
        }

        return new LocksFound(wanted, there);
    }

    public async Task BringAsync(LegacyLockRow row, ImportOptions options, int maxPerOwner, ImportReport report, CancellationToken ct)
    {
        var (deviceId, name) = (row.DeviceId!, ImportRules.NameOf(row));
        if (options.Apply && await RegisterAsync(deviceId, name, row.Owner!, options.Unsigned, maxPerOwner, ct) is { } refusal)
        {
            report.LeaveOut(ImportKind.Locks, refusal, deviceId);
            return;
        }

        report.Bring(ImportKind.Locks);
        if (name != row.Name)
        {
            report.NoteChanged("locks named after their device id, for want of a name that can be one", deviceId);
        }
    }

    /// <returns>Why not, or null.</returns>
    private async Task<string?> RegisterAsync(string deviceId, string name, string owner, bool unsigned, int maxPerOwner, CancellationToken ct)
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        var newLock = new NewLock(deviceId, name, owner, keys.Protect(deviceId, DeviceKeys.NewKey()), unsigned, now);
        var entry = new NewAuditEntry(now, deviceId, AuditActors.System, AuditActions.LockRegistered, AuditResults.Imported, Target: owner);
        return await locks.RegisterAsync(newLock, maxPerOwner, entry, ct) switch
        {
            RegisterLockOutcome.Registered => null,
            RegisterLockOutcome.DeviceIdTaken => "whose id is that of somebody else's lock here",
            RegisterLockOutcome.TooManyLocks => "beyond as many as one account may have (Locks:MaxPerOwner)",
        };
    }

    private async Task<bool> WasRemovedAsync(string deviceId, CancellationToken ct)
    {
        long? before = null;
        do
        {
            var page = await log.ListAllAsync(new AuditFilter(deviceId, Action: AuditActions.LockRegistered), before, MostEntries, ct);
            if (page.Items.Any(e => e.Result == AuditResults.Imported))
            {
                return true;
            }

            before = page.Next is not null && AuditCursor.TryDecode(page.Next, out var next) ? next : null;
        }
        while (before is not null);

        return false;
    }

    private async Task<HashSet<string>> WaitingAsync(CancellationToken ct)
    {
        var waiting = new HashSet<string>(StringComparer.Ordinal);
        var now = time.GetUtcNow();
        string? after = null;
        do
        {
            var page = await pairings.ListAsync(after, PageRequest.MaxLimit, ct);
            waiting.UnionWith(page.Items.Where(p => PairingRules.IsOpen(p, now)).Select(p => p.DeviceId));
            after = page.Next is null ? null : page.Items[^1].DeviceId;
        }
        while (after is not null);

        return waiting;
    }
}
