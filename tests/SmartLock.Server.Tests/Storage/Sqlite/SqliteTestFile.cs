using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using SmartLock.Server.Audit;
using SmartLock.Server.Storage.Sqlite;

namespace SmartLock.Server.Tests.Storage.Sqlite;

/// <summary>A database in a folder of its own, gone when the test is.</summary>
internal sealed class SqliteTestFile : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("smartlock-test-").FullName;

    public SqliteTestFile(SqliteOptions? options = null, ILogger<SqliteDatabase>? logger = null)
    {
        Options = options ?? new SqliteOptions { QueueTimeout = TimeSpan.FromSeconds(30) };
        Path = System.IO.Path.Combine(_folder, "smartlock.db");
        Database = new SqliteDatabase(Path, Options, Chain, logger ?? NullLogger<SqliteDatabase>.Instance);
        Stores = new StoreSet(
            new SqliteUserStore(Database),
            new SqliteLockStore(Database),
            new SqliteCommandStore(Database),
            new SqliteDeviceStore(Database),
            new SqliteAuditStore(Database),
            new SqliteSessionStore(Database),
            new SqliteSecondFactorStore(Database),
            new SqliteShareStore(Database),
            new SqliteLockAdminStore(Database),
            new SqlitePairingStore(Database));
    }

    public static AuditChain Chain { get; } = new(RandomNumberGenerator.GetBytes(32));

    public string Path { get; }

    public SqliteOptions Options { get; }

    public SqliteDatabase Database { get; }

    public StoreSet Stores { get; }

    public void Dispose()
    {
        Database.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
