using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Storage.Sqlite;

namespace SmartLock.Server.Tests.Live;

/// <summary>Changes who may see a lock, in the store itself.</summary>
internal static class Access
{
    private const string Give = "UPDATE locks SET owner = @owner WHERE device_id = @deviceId";

    private const string Grant = """
        INSERT INTO shares (device_id, name_key, role, from_at, until_at, created_at) VALUES (@deviceId, @nameKey, 'Viewer', @from, @until, 0)
        """;

    public static Task GiveAsync(SqliteDatabase database, string deviceId, string owner) => database.WriteAsync(
        Durability.Full,
        session => session.Execute(Give, new { deviceId, owner }),
        default);

    public static Task GiveAsync(this TestApp app, Door door, SignedIn owner) => GiveAsync(DatabaseOf(app), door.DeviceId, owner.Username);

    public static Task ShareAsync(SqliteDatabase database, string deviceId, string username, DateTimeOffset? from = null, DateTimeOffset? until = null) =>
        database.WriteAsync(
            Durability.Full,
            session => session.Execute(Grant, new { deviceId, nameKey = username.ToUpperInvariant(), from, until }),
            default);

    public static Task ShareAsync(this TestApp app, Door door, SignedIn with, DateTimeOffset? from = null, DateTimeOffset? until = null) =>
        ShareAsync(DatabaseOf(app), door.DeviceId, with.Username, from, until);

    private static SqliteDatabase DatabaseOf(TestApp app) => app.Services.GetRequiredService<SqliteDatabase>();
}
