using System.Reflection;
using System.Runtime.InteropServices;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>
/// Chooses the native SQLite: the system's own shared library when it is newer than the bundled one (its distribution
/// mends it), otherwise the bundled one.
/// </summary>
internal static class SqliteLibrary
{
    private const string SystemName = "libsqlite3.so.0";
    private static readonly Lazy<string> Chosen = new(Choose);

    private delegate int VersionNumber();

    /// <summary>The version in use, such as "3.40.1 (system)". The first call makes the choice; it precedes any other use of SQLite.</summary>
    public static string Use() => Chosen.Value;

    private static string Choose()
    {
        var provider = typeof(SQLitePCL.SQLite3Provider_e_sqlite3).Assembly;
        var system = FindNewerSystemLibrary(provider);
        if (system != 0)
        {
            NativeLibrary.SetDllImportResolver(provider, (name, _, _) => name == "e_sqlite3" ? system : 0);
        }

        SQLitePCL.Batteries_V2.Init();

        // A session belongs to one thread at a time, so connections need no mutex of their own; nobody reads the memory counters.
        SQLitePCL.raw.sqlite3_config(SQLitePCL.raw.SQLITE_CONFIG_MULTITHREAD);
        SQLitePCL.raw.sqlite3_config(SQLitePCL.raw.SQLITE_CONFIG_MEMSTATUS, 0);
        return $"{SQLitePCL.raw.sqlite3_libversion().utf8_to_string()} ({(system != 0 ? "system" : "bundled")})";
    }

    private static nint FindNewerSystemLibrary(Assembly provider)
    {
        if (!OperatingSystem.IsLinux() || !NativeLibrary.TryLoad(SystemName, out var system))
        {
            return 0;
        }

        // Connections move between threads here; a build without mutexes would corrupt itself.
        if (Call(system, "sqlite3_threadsafe") == 0)
        {
            return 0;
        }

        var bundledVersion = NativeLibrary.TryLoad("e_sqlite3", provider, null, out var bundled)
            ? Call(bundled, "sqlite3_libversion_number")
            : 0;
        return Call(system, "sqlite3_libversion_number") > bundledVersion ? system : 0;
    }

    private static int Call(nint library, string function) =>
        NativeLibrary.TryGetExport(library, function, out var address)
            ? Marshal.GetDelegateForFunctionPointer<VersionNumber>(address)()
            : 0;
}
