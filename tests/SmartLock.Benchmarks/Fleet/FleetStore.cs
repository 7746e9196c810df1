using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Device;
using SmartLock.Server;
using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;
using SmartLock.Server.Locks;
using SmartLock.Server.Messaging;
using SmartLock.Server.Storage.Sqlite;

namespace SmartLock.Benchmarks;

/// <summary>
/// A data folder with an admin who owns many locks, written by the server's own parts before a server runs on it. The devices' keys are kept in
/// this process only.
/// </summary>
internal static class FleetStore
{
    public const string Admin = "bench";

    private const int PerTransaction = 1000;

    /// <returns>The devices' keys by id, and the admin's password.</returns>
    public static async Task<(IReadOnlyList<(string Id, DeviceKey Key)> Devices, string Password)> FillAsync(string folder, int count)
    {
        var password = RandomNumberGenerator.GetHexString(32, lowercase: true);
        await using var app = SmartLockServer.Create([$"--Data:Folder={folder}", "--Logging:LogLevel:Default=Warning"]);
        var accounts = app.Services.GetRequiredService<Server.Accounts.Registration>();
        if (await accounts.RegisterAsync(Admin, password, null, Role.Admin, AuditActors.System, default) != RegisterOutcome.Registered)
        {
            throw new InvalidOperationException("The admin was not made.");
        }

        var keys = app.Services.GetRequiredService<DeviceKeys>();
        var database = app.Services.GetRequiredService<SqliteDatabase>();
        var devices = new List<(string Id, DeviceKey Key)>(count);
        foreach (var part in Enumerable.Range(0, count).Chunk(PerTransaction))
        {
            var made = part.Select(i => (Id: string.Create(CultureInfo.InvariantCulture, $"ESP32-{i:X6}"), Key: DeviceKeys.NewKey())).ToList();
            var now = DateTimeOffset.FromUnixTimeMilliseconds(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
            var locks = made.Select(d => new NewLock(d.Id, d.Id, Admin, keys.Protect(d.Id, d.Key), Unsigned: false, now)).ToList();
            await database.WriteAsync(Durability.Full, session => Insert(session, locks), default);
            devices.AddRange(made.Select(d => (d.Id, DeviceKey.FromBytes(d.Key))));
        }

        return (devices, password);
    }

    private static int Insert(SqliteSession session, List<NewLock> locks)
    {
        foreach (var item in locks)
        {
            var entry = new NewAuditEntry(item.CreatedAt, item.DeviceId, Admin, AuditActions.LockRegistered, AuditResults.Registered);
            session.Insert(item, entry);
        }

        return locks.Count;
    }
}
