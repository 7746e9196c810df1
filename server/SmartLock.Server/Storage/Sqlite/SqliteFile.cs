using Microsoft.Data.Sqlite;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>The store's file: made (readable by its owner only), brought up to this program's schema, and opened.</summary>
/// <param name="keys">Null where the caller has seen to the keys.</param>
internal sealed class SqliteFile(string path, SqliteOptions options, AuditChain chain, SqliteLayout? layout = null, SqliteKeys? keys = null)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private static readonly TimeSpan ReaderBusyTimeout = TimeSpan.FromMilliseconds(250);

    private readonly SqliteLayout _layout = layout ?? SqliteLayout.Store;

    public string Path { get; } = System.IO.Path.GetFullPath(path);

    /// <summary>Whether there is anything to read in it.</summary>
    public bool Exists => new FileInfo(Path) is { Exists: true, Length: > 0 };

    /// <returns>SQLite's version, such as "3.53.1".</returns>
    /// <exception cref="StartupException">Says in one sentence what to mend.</exception>
    public string Prepare() => Explain(() =>
    {
        Create();
        using var session = new SqliteSession(Path, options.BusyTimeout, chain);
        SqliteMigrations.RefuseUnusable(session, Path, _layout.Scripts, _layout);

        // Before anything is written, since what is missing may yet be put back.
        keys?.Provide(session);
        SqliteMigrations.Run(session, Path, _layout.Scripts, _layout);
        keys?.Record(session);
        return session.LibraryVersion;
    });

    /// <summary>For what only reads: makes nothing and changes nothing.</summary>
    /// <exception cref="StartupException">Says in one sentence what to mend.</exception>
    public string Check() => Explain(() =>
    {
        using var session = new SqliteSession(Path, options.BusyTimeout, chain);
        SqliteMigrations.RefuseUnusable(session, Path, _layout.Scripts, _layout);
        if (SqliteMigrations.VersionOf(session) < _layout.Scripts.Count)
        {
            throw new StartupException($"The store {Path} was written by an older SmartLock: start the server once, which brings it up to date.");
        }

        keys?.Check(session);
        return session.LibraryVersion;
    });

    public SqliteSession OpenWriter()
    {
        var session = new SqliteSession(Path, options.BusyTimeout, chain);

        // A checkpoint writes each page once however often it was rewritten since the last, so rarer ones are cheaper;
        // 4,000 pages bound the write-ahead log to about 16 MB. The cache (32 MB) grows only as far as the data does.
        session.Execute("PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;");
        session.Execute("PRAGMA cache_size = -32768;");
        return session;
    }

    public SqliteSession OpenReader()
    {
        var session = new SqliteSession(Path, ReaderBusyTimeout, chain);
        session.Execute("PRAGMA query_only = ON; PRAGMA cache_size = -4096;");
        return session;
    }

    private string Explain(Func<string> open)
    {
        try
        {
            return open();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new StartupException(
                $"The store {Path} cannot be made or opened ({failure.Message}): give the server write access there, "
                + $"or set {(_layout == SqliteLayout.Store ? "Data:Folder or " : "")}{_layout.Setting}.");
        }
        catch (SqliteException failure)
        {
            throw new StartupException(
                $"The store {Path} cannot be used ({failure.Message}): see that it is an undamaged SQLite file that the server "
                + "may write and no other process holds.");
        }
    }

    private void Create()
    {
        if (System.IO.Path.GetDirectoryName(Path) is { Length: > 0 } folder && !Directory.Exists(folder))
        {
            MakeFolder(folder);
        }

        // SQLite gives its -wal and -shm files the mode of the main file.
        var how = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite };
        if (!OperatingSystem.IsWindows())
        {
            how.UnixCreateMode = OwnerOnly;
        }

        new FileStream(Path, how).Dispose();
    }

    private static void MakeFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
            return;
        }

        Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
    }
}
