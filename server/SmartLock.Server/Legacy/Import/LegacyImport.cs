using Microsoft.Extensions.Options;
using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Legacy.Import;

/// <param name="Apply">Write; else only say what would be.</param>
/// <param name="AcceptWeakPasswords">Leave accounts enabled whose password is against the rules; never an admin's.</param>
/// <param name="Unsigned">The boards keep a sketch that cannot sign.</param>
internal sealed record ImportOptions(bool Apply, bool AcceptWeakPasswords = false, bool Unsigned = false);

/// <summary>
/// Brings users, locks and the log of commands over from the first system. It may be broken off anywhere and run again: accounts are known again by
/// when they were registered there, log entries by their row, locks by their owner. decisions/0015-import-original.md.
/// </summary>
internal sealed class LegacyImport(
    IUserStore users,
    Passwords passwords,
    LockImport locks,
    IImportStore log,
    IOptions<LockOptions> lockOptions,
    TimeProvider time)
{
    private const int EntriesAtOnce = 500;

    public async Task<ImportReport> RunAsync(ILegacyDatabase original, ImportOptions options, CancellationToken ct)
    {
        var report = new ImportReport(options.Apply);
        var people = await BringUsersAsync(original, options, report, ct);
        var found = await locks.SortAsync(original, people.Owners, report, ct);
        await BringCommandsAsync(original, found, people, options, report, ct);

        // Last, so that what others did to a lock before does not stand in the log that its owner reads: nothing there says whose it was then.
        foreach (var row in found.Wanted.Values)
        {
            await locks.BringAsync(row, options, lockOptions.Value.MaxPerOwner, report, ct);
        }

        return report;
    }

    private async Task<People> BringUsersAsync(ILegacyDatabase original, ImportOptions options, ImportReport report, CancellationToken ct)
    {
        var people = new People();
        var taken = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        await foreach (var user in original.ReadUsersAsync(ct))
        {
            var refusal = ImportRules.Refuse(user)
                ?? (taken.Add(user.Username!) ? null : "whose name differs from an earlier user's by case at most");
            refusal ??= await BringAsync(user, options, report, ct);
            if (refusal is null)
            {
                people.Owners.Add(user.Username!);
                people.NamesById[user.Id] = user.Username!;
            }
            else
            {
                report.LeaveOut(ImportKind.Users, refusal, user.Username ?? user.Id);
            }
        }

        return people;
    }

    /// <returns>Why not, or null.</returns>
    private async Task<string?> BringAsync(LegacyUser user, ImportOptions options, ImportReport report, CancellationToken ct)
    {
        const string Taken = "whose name is another account's here, or was";
        var username = user.Username!;
        if (await users.FindAsync(username, ct) is { } existing)
        {
            // Registered there in the same second, in the past: nobody else's account here is.
            if (existing.Username != username || existing.CreatedAt != user.RegisteredAt)
            {
                return Taken;
            }

            report.NoteThere(ImportKind.Users);
            await NoteOriginAsync(user, options, ct);
            return null;
        }

        var isWeak = ImportRules.IsWeak(user);
        var isDisabled = isWeak && (!options.AcceptWeakPasswords || user.IsAdmin);
        if (options.Apply)
        {
            var hash = await passwords.HashAsync(user.Password!, HashingTurn.Operator, ct) ?? throw new InvalidOperationException("One password at a time, and yet too many.");
            var account = new User(username, ImportRules.EmailOf(user), hash, ImportRules.RoleOf(user), user.RegisteredAt!.Value, isDisabled);
            if (await users.CreateAsync(account, AuditActors.System, ct) is CreateUserOutcome.NameTaken)
            {
                return Taken;
            }

            await NoteOriginAsync(user, options, ct);
        }

        report.Bring(ImportKind.Users);
        NoteChanges(user, isWeak, isDisabled, report);
        return null;
    }

    private static void NoteChanges(LegacyUser user, bool isWeak, bool isDisabled, ImportReport report)
    {
        if (isWeak)
        {
            report.NoteChanged(isDisabled ? "accounts disabled: their password is against the rules" : "accounts with a password against the rules", user.Username);
        }

        if (!string.IsNullOrEmpty(user.Email) && ImportRules.EmailOf(user) is null)
        {
            report.NoteChanged("accounts without their e-mail address, which is none", user.Username);
        }
    }

    /// <summary>The account's first entry is of the day it was registered there; this one is of today.</summary>
    private Task NoteOriginAsync(LegacyUser user, ImportOptions options, CancellationToken ct) => options.Apply
        ? log.AppendAsync(
            [
                new ImportedEntry(
                    KeyOf(user.Id),
                    new NewAuditEntry(time.GetUtcNow(), AuditSubjects.Accounts, AuditActors.System, AuditActions.AccountRegister, AuditResults.Imported, Target: user.Username)),
            ],
            ct)
        : Task.CompletedTask;

    private async Task BringCommandsAsync(
        ILegacyDatabase original, LocksFound found, People people, ImportOptions options, ImportReport report, CancellationToken ct)
    {
        report.Heartbeats = await original.CountHeartbeatsAsync(ct);
        var now = time.GetUtcNow();
        var batch = new List<ImportedEntry>(EntriesAtOnce);
        await foreach (var row in original.ReadCommandsAsync(ct))
        {
            if (row.DeviceId is { } known && found.There.Contains(known))
            {
                report.NoteThere(ImportKind.Commands);
            }
            else if (row.DeviceId is not { } deviceId || !found.Wanted.ContainsKey(deviceId))
            {
                report.LeaveOut(ImportKind.Commands, "of locks that are not brought over", null);
            }
            else if (ImportRules.Refuse(row, now) is { } refusal)
            {
                report.LeaveOut(ImportKind.Commands, refusal, null);
            }
            else
            {
                report.Bring(ImportKind.Commands);
                batch.Add(EntryOf(row, people));
                await FlushAsync(batch, EntriesAtOnce, options, ct);
            }
        }

        await FlushAsync(batch, 1, options, ct);
    }

    private async Task FlushAsync(List<ImportedEntry> batch, int atLeast, ImportOptions options, CancellationToken ct)
    {
        if (batch.Count < atLeast)
        {
            return;
        }

        if (options.Apply)
        {
            await log.AppendAsync(batch, ct);
        }

        batch.Clear();
    }

    private static ImportedEntry EntryOf(LegacyCommandRow row, People people) => new(
        KeyOf(row.Id),
        new NewAuditEntry(row.Time!.Value, row.DeviceId!, people.ActorOf(row.UserId), ImportRules.ActionOf(row)!, AuditResults.Imported));

    private static string KeyOf(string id) => $"original:{id}";

    private sealed class People
    {
        /// <summary>Names as they were written there.</summary>
        public HashSet<string> Owners { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, string> NamesById { get; } = new(StringComparer.Ordinal);

        /// <summary>
        /// A name that no account has now could be somebody's later, who would then seem to have done it, and could not be forgotten: no such name gets
        /// into the log.
        /// </summary>
        public string ActorOf(string? userId) => userId switch
        {
            null => AuditActors.LegacyUnknown,
            _ when Owners.Contains(userId) => userId,
            _ => NamesById.GetValueOrDefault(userId) ?? AuditActors.LegacyUnknown,
        };
    }
}
