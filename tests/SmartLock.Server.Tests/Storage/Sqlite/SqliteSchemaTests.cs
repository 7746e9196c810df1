using System.Reflection;
using System.Text.RegularExpressions;
using Dapper;
using Microsoft.Data.Sqlite;
using SmartLock.Server.Storage.Sqlite;

namespace SmartLock.Server.Tests.Storage.Sqlite;

public sealed partial class SqliteSchemaTests : IDisposable
{
    /// <summary>Of the broker's sessions all are read at its start; deliveries are searched for a name only when its account is deleted.</summary>
    private static readonly string[] KnownWalks =
    [
        "SqliteAccounts.ForgetInDeliveries", "SqliteAuditStore.SelectVanished", "SqliteBinding.HasBindings", "SqliteBinding.HasChains",
        "SqliteBinding.IsThere", "SqliteHealthCheck.Read", "SqliteKeys.ForgetRing", "SqliteKeys.IsTable", "SqliteKeys.SelectHeads",
        "SqliteKeys.SelectRing", "SqliteLogNames.SelectAll",
        "SqliteMqttStore.SelectAlive", "SqliteMqttStore.SelectIncoming", "SqliteMqttStore.SelectMessages",
        "SqliteMqttStore.SelectRetained", "SqliteMqttStore.SelectSessions", "SqliteMqttStore.SelectSubscriptions",
        "SqliteSessionStore.SelectAny",
    ];

    /// <summary>Parts of statements.</summary>
    private static readonly string[] Parts = ["SqliteAccounts.SelectAll", "SqliteAuditStore.WithHeads", "SqliteReports.SetMeasured"];

    private readonly SqliteTestFile _file = new();

    [Theory]
    [InlineData("UPDATE logs SET actor = 'nobody'")]
    [InlineData("DELETE FROM logs")]
    [InlineData("INSERT OR REPLACE INTO logs (id, time, device_id, actor, action, result) VALUES (1, 0, 'D1', 'nobody', 'x', 'x')")]
    [InlineData("REPLACE INTO logs (id, time, device_id, actor, action, result) VALUES (1, 0, 'D1', 'nobody', 'x', 'x')")]
    [InlineData("INSERT INTO logs (id, time, device_id, actor, action, result) VALUES (1, 0, 'D1', 'x', 'x', 'x') ON CONFLICT (id) DO UPDATE SET actor = 'nobody'")]
    public async Task The_log_takes_additions_only(string sql)
    {
        await _file.Stores.RegisterOnlineAsync("D1");
        var before = await _file.Stores.LogAsync("D1");
        var failure = await Should.ThrowAsync<SqliteException>(WriteAsync(session =>
        {
            session.Execute(sql);
            return 0;
        }));
        failure.Message.ShouldContain("append-only");
        (await _file.Stores.LogAsync("D1")).ShouldBe(before);
    }

    /// <summary>Every statement of the stores, as it is run.</summary>
    [Fact]
    public async Task No_statement_walks_a_whole_table_unless_it_is_known_to()
    {
        var walks = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var (name, sql) in Statements())
        {
            var parameters = new DynamicParameters();
            foreach (Match parameter in Parameters().Matches(sql))
            {
                parameters.Add(parameter.Value, null);
            }

            var plan = await WriteAsync(session => session.Query<Step>($"EXPLAIN QUERY PLAN {sql}", parameters));
            if (plan.Any(step => TableWalk().IsMatch(step.Detail)))
            {
                walks.Add(name);
            }
        }

        walks.ShouldBe(KnownWalks);
    }

    [Fact]
    public async Task Durable_writes_wait_for_the_disk_and_relaxed_ones_do_not()
    {
        var full = await _file.Database.WriteAsync(Durability.Full, session => session.Scalar<long>("PRAGMA synchronous"), default);
        var relaxed = await _file.Database.WriteAsync(Durability.Relaxed, session => session.Scalar<long>("PRAGMA synchronous"), default);
        var again = await _file.Database.WriteAsync(Durability.Full, session => session.Scalar<long>("PRAGMA synchronous"), default);
        (full, relaxed, again).ShouldBe((2, 1, 2));
    }

    [Fact]
    public async Task SQLite_is_the_packages_own_which_is_newer_than_most_systems()
    {
        var version = await _file.Database.ReadAsync(session => session.LibraryVersion, default);

        Version.Parse(version).ShouldBeGreaterThanOrEqualTo(new Version(3, 53));
    }

    public void Dispose() => _file.Dispose();

    private Task<T> WriteAsync<T>(Func<SqliteSession, T> work) => _file.Database.WriteAsync(Durability.Relaxed, work, default);

    private static IEnumerable<(string Name, string Sql)> Statements() =>
        from type in typeof(SqliteDatabase).Assembly.GetTypes()
        where type.Namespace == typeof(SqliteDatabase).Namespace && type != typeof(SqliteLogChaining)
        from field in type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
        where field.IsLiteral && field.FieldType == typeof(string)
        let sql = (string)field.GetRawConstantValue()!
        where Verb().IsMatch(sql)
        let name = $"{type.Name}.{field.Name}"
        where !Parts.Contains(name)
        select (name, sql);

    [GeneratedRegex(@"^\s*(SELECT|INSERT|UPDATE|DELETE)\s")]
    private static partial Regex Verb();

    [GeneratedRegex(@"@\w+")]
    private static partial Regex Parameters();

    /// <summary>Along no index, or along one of all rows. The index of the admins has few.</summary>
    [GeneratedRegex(@"^SCAN (?!CONSTANT ROW|\(subquery|.*users_admins)")]
    private static partial Regex TableWalk();

    private sealed record Step(string Detail);
}
