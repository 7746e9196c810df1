using System.Security.Cryptography;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>
/// The keys that stand beside the file: the audit key, and the Data Protection keys that device keys and other secrets are encrypted under. None is made
/// beside data that were written under another: those could never be read, or verified, again.
/// </summary>
internal sealed class SqliteKeys(AuditKey audit, AuditChain chain, DataFolder folder)
{
    /// <summary>In the data folder.</summary>
    public const string RingFolder = "keys";

    private const string KeyFiles = "key-*.xml";
    private const string AuditCheck = "audit";
    private const string RingPrefix = "protection:";
    private const int ManyHeads = 100;

    private static readonly string[] Protected = ["device_keys", "pairings", "webhooks", "second_factors"];

    private const string IsTable = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = @table";

    private const string SelectCheck = "SELECT value FROM key_checks WHERE name = @AuditCheck";

    private const string SelectRing = "SELECT substr(name, length(@RingPrefix) + 1) FROM key_checks WHERE substr(name, 1, length(@RingPrefix)) = @RingPrefix";

    private const string SelectHeads = "SELECT device_id, seq AS sequence, hash, seal FROM log_heads WHERE length(seal) > 0 LIMIT @ManyHeads";

    private const string Insert = "INSERT INTO key_checks (name, value) VALUES (@name, @value) ON CONFLICT (name) DO UPDATE SET value = excluded.value";

    private const string ForgetRing = "DELETE FROM key_checks WHERE substr(name, 1, length(@RingPrefix)) = @RingPrefix";

    public string RingPath => folder.File(RingFolder);

    /// <summary>What the store remembers a Data Protection key by.</summary>
    /// <param name="fileName">Without its ending, such as <c>key-4f…</c>.</param>
    public static void Record(SqliteSession session, string fileName) => session.Execute(Insert, new { name = RingPrefix + fileName, value = Array.Empty<byte>() });

    /// <summary>Before the file is written to. Makes the audit key where nothing was written under one.</summary>
    /// <exception cref="StartupException">A key is missing, or is not the one that the store was written under.</exception>
    public void Provide(SqliteSession session)
    {
        CheckRing(session);
        audit.Key.Provide(HasAny(session, "log_heads") ? "a log" : null);
        CheckAudit(session);
    }

    /// <summary>The same, and makes nothing.</summary>
    public void Check(SqliteSession session)
    {
        CheckRing(session);
        CheckAudit(session);
    }

    /// <summary>Once the file has this program's tables.</summary>
    public void Record(SqliteSession session)
    {
        session.Execute(Insert, new { name = AuditCheck, value = chain.Fingerprint });
        if (!HasSecrets(session))
        {
            // Nothing was encrypted under what there was.
            session.Execute(ForgetRing, new { RingPrefix });
        }

        foreach (var file in RingFiles())
        {
            Record(session, file);
        }
    }

    private void CheckAudit(SqliteSession session)
    {
        if (!HasAny(session, "log_heads"))
        {
            return;
        }

        var stored = IsThere(session, "key_checks") ? session.Scalar<byte[]>(SelectCheck, new { AuditCheck }) : null;
        var isRight = stored is null ? IsKeyOfHeads(session) : CryptographicOperations.FixedTimeEquals(stored, chain.Fingerprint);
        if (!isRight)
        {
            throw new StartupException(
                "The audit key of this server (Audit:Key, or audit.key in the data folder) is not the one that this store was written under: restore that one.");
        }
    }

    /// <summary>In a store of a version that kept nothing to tell keys by: one of the chains' ends must be sealed under this key, if any is sealed at all.</summary>
    private bool IsKeyOfHeads(SqliteSession session)
    {
        var heads = session.Query<Head>(SelectHeads, new { ManyHeads });
        return heads.Count == 0 || heads.Exists(head =>
            chain.IsSealed(head.DeviceId, head.ToHead()) || chain.IsSealedAsBefore(head.DeviceId, head.ToHead()));
    }

    private void CheckRing(SqliteSession session)
    {
        if (!HasSecrets(session))
        {
            return;
        }

        var present = RingFiles().ToHashSet(StringComparer.OrdinalIgnoreCase);
        if (present.Count == 0)
        {
            throw new StartupException(
                $"The Data Protection keys in {RingPath} are missing, and the store holds device keys or other secrets that were encrypted under them: "
                + "restore the folder from a backup. No new key is made beside old data.");
        }

        var recorded = IsThere(session, "key_checks") ? session.Query<string>(SelectRing, new { RingPrefix }) : [];
        if (recorded.Find(name => !present.Contains(name)) is { } missing)
        {
            throw new StartupException(
                $"The Data Protection key {Path.Combine(RingPath, missing)}.xml is missing, and what the store holds may be encrypted under it: "
                + "restore the file from a backup.");
        }
    }

    private IEnumerable<string> RingFiles() =>
        Directory.Exists(RingPath) ? Directory.EnumerateFiles(RingPath, KeyFiles).Select(file => Path.GetFileNameWithoutExtension(file)) : [];

    private static bool HasSecrets(SqliteSession session) => Array.Exists(Protected, table => HasAny(session, table));

    private static bool HasAny(SqliteSession session, string table) =>
        IsThere(session, table) && session.Scalar<bool>($"SELECT EXISTS (SELECT 1 FROM {table})");

    private static bool IsThere(SqliteSession session, string table) => session.Scalar<long>(IsTable, new { table }) == 1;

    private sealed record Head(string DeviceId, long Sequence, byte[] Hash, byte[] Seal)
    {
        public ChainHead ToHead() => new(Sequence, Hash, Seal);
    }
}
