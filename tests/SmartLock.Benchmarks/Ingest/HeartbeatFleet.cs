using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Audit;
using SmartLock.Server.Locks;
using SmartLock.Server.Messaging;
using SmartLock.Server.Storage.Sqlite;

namespace SmartLock.Benchmarks;

/// <summary>Devices that are registered in a real store, and the keys they sign with.</summary>
internal sealed class HeartbeatFleet
{
    private const int PerTransaction = 2_000;

    private HeartbeatFleet(int count)
    {
        Keys = [.. Enumerable.Range(0, count).Select(_ => DeviceKeys.NewKey())];
        DeviceIds = [.. Enumerable.Range(0, count).Select(i => string.Create(CultureInfo.InvariantCulture, $"ESP32-{i:X6}"))];
        Topics = [.. DeviceIds.Select(id => Encoding.UTF8.GetBytes(Server.Messaging.Topics.StatusOf(id)))];
    }

    public int Count => DeviceIds.Length;

    public byte[][] Keys { get; }

    public string[] DeviceIds { get; }

    public byte[][] Topics { get; }

    /// <summary>The rows that a registration writes, many in one transaction: one by one each would wait for the disk.</summary>
    /// <param name="services">Of a composed server; need not be started.</param>
    public static async Task<HeartbeatFleet> RegisterAsync(IServiceProvider services, int count)
    {
        var fleet = new HeartbeatFleet(count);
        var keys = services.GetRequiredService<DeviceKeys>();
        var database = services.GetRequiredService<SqliteDatabase>();
        for (var first = 0; first < count; first += PerTransaction)
        {
            var from = first;
            await database.WriteAsync(Durability.Relaxed, session => fleet.Register(session, keys, from), default);
        }

        return fleet;
    }

    public string MqttPassword(int device) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Keys[device], Encoding.UTF8.GetBytes($"v1|mqtt|{DeviceIds[device]}")));

    private int Register(SqliteSession session, DeviceKeys keys, int from)
    {
        var now = TimeProvider.System.GetUtcNow();
        var to = Math.Min(from + PerTransaction, Count);
        for (var i = from; i < to; i++)
        {
            var id = DeviceIds[i];
            var entry = new NewAuditEntry(now, id, "bench", AuditActions.LockRegistered, AuditResults.Registered);
            session.Insert(new NewLock(id, id, "bench", keys.Protect(id, Keys[i]), Unsigned: false, now), entry);
        }

        return to - from;
    }
}
