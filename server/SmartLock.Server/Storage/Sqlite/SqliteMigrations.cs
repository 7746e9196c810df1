using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.Sqlite;

internal static class SqliteMigrations
{
    /// <summary>Runs, in one transaction, the scripts that the file has not seen yet.</summary>
    /// <exception cref="StartupException">The file is a newer program's, or another program's.</exception>
    public static void Run(SqliteSession session, string path, IReadOnlyList<string> scripts, SqliteLayout? layout = null)
    {
        layout ??= SqliteLayout.Store;
        RefuseUnusable(session, path, scripts, layout);
        if (session.Scalar<string>("PRAGMA journal_mode = WAL") != "wal")
        {
            throw new StartupException(
                $"The store {path} lies on a file system without shared memory, which SQLite's write-ahead log needs: use a local disk.");
        }

        // A script that makes a table anew drops the old one, which would delete what refers to it. Cannot be changed inside a transaction.
        session.Execute("PRAGMA foreign_keys = OFF");
        session.Begin();
        try
        {
            // Again, since another process may have been here meanwhile.
            RefuseUnusable(session, path, scripts, layout);
            if (layout == SqliteLayout.Store)
            {
                SqliteBinding.RefuseUndone(session, path);
            }

            foreach (var script in scripts.Skip(VersionOf(session)))
            {
                session.Execute(script);
                SqliteLogChaining.Finish(session);
                SqliteBinding.Finish(session);
            }

            session.Execute($"PRAGMA user_version = {scripts.Count}; PRAGMA application_id = {layout.ApplicationId};");
            session.Commit();
        }
        finally
        {
            session.RollBack();
            session.Execute("PRAGMA foreign_keys = ON");
        }
    }

    /// <summary>How many scripts the file has seen.</summary>
    public static int VersionOf(SqliteSession session) => session.Scalar<int>("PRAGMA user_version");

    /// <exception cref="StartupException">The file is a newer program's, or another program's.</exception>
    public static void RefuseUnusable(SqliteSession session, string path, IReadOnlyList<string> scripts, SqliteLayout layout)
    {
        RefuseForeign(session, path, layout);
        if (VersionOf(session) is var version && version > scripts.Count)
        {
            throw new StartupException(
                $"The store {path} was written by a newer SmartLock (schema {version}; this one knows {scripts.Count}): "
                + "start that version, or restore a backup.");
        }
    }

    private static void RefuseForeign(SqliteSession session, string path, SqliteLayout layout)
    {
        var foreign = session.Scalar<int>("PRAGMA application_id") != layout.ApplicationId;
        if (foreign && session.Scalar<long>("SELECT count(*) FROM sqlite_master") > 0)
        {
            throw new StartupException(
                $"The file {path} is another program's database: set {layout.Setting} to one of SmartLock's own.");
        }
    }
}
