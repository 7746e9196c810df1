using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Storage.Sqlite;

namespace SmartLock.Server.Tests.Live;

/// <summary>Changes who may see a lock, in the store itself.</summary>
internal static class Access
{
    private const string Give = "UPDATE locks SET owner = ?2 WHERE device_id = ?1";

    private const string Grant = """
        INSERT INTO shares (device_id, name_key, role, from_at, until_at, created_at) VALUES (?1, ?2, 'Viewer', ?3, ?4, 0)
        """;

    public static Task GiveAsync(SqliteDatabase database, string deviceId, string owner) => database.WriteAsync(
        Durability.Full,
        session =>
        {
            using var give = session.Use(Give);
            return give.Bind(1, deviceId).Bind(2, owner).Run();
        },
        default);

    public static Task GiveAsync(this TestApp app, Door door, SignedIn owner) => GiveAsync(DatabaseOf(app), door.DeviceId, owner.Username);

    public static Task ShareAsync(SqliteDatabase database, string deviceId, string username, DateTimeOffset? from = null, DateTimeOffset? until = null) =>
        database.WriteAsync(
            Durability.Full,
            session =>
            {
                using var grant = session.Use(Grant);
                return grant.Bind(1, deviceId)
                    .Bind(2, username.ToUpperInvariant())
                    .Bind(3, from?.ToUnixTimeMilliseconds())
                    .Bind(4, until?.ToUnixTimeMilliseconds())
                    .Run();
            },
            default);

    public static Task ShareAsync(this TestApp app, Door door, SignedIn with, DateTimeOffset? from = null, DateTimeOffset? until = null) =>
        ShareAsync(DatabaseOf(app), door.DeviceId, with.Username, from, until);

    private static SqliteDatabase DatabaseOf(TestApp app) => app.Services.GetRequiredService<SqliteDatabase>();
}
