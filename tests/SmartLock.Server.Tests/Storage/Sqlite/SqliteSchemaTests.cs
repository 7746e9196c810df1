using Microsoft.Data.Sqlite;
using SmartLock.Server.Storage.Sqlite;

namespace SmartLock.Server.Tests.Storage.Sqlite;

public sealed class SqliteSchemaTests : IDisposable
{
    private readonly SqliteTestFile _file = new();

    [Theory]
    [InlineData("UPDATE logs SET actor = 'nobody'")]
    [InlineData("DELETE FROM logs")]
    [InlineData("INSERT OR REPLACE INTO logs (id, time, device_id, actor, action, result) VALUES (1, 0, 'D1', 'nobody', 'x', 'x')")]
    [InlineData("REPLACE INTO logs (id, time, device_id, actor, action, result) VALUES (1, 0, 'D1', 'nobody', 'x', 'x')")]
    [InlineData("INSERT INTO logs (id, time, device_id, actor, action, result) VALUES (1, 0, 'D1', 'x', 'x', 'x') ON CONFLICT (id) DO UPDATE SET actor = 'nobody'")]
    public async Task The_log_takes_additions_only(string sql)
    {
        await _file.Stores.HearAsync("D1");
        var before = await _file.Stores.LogAsync("D1");
        var failure = await Should.ThrowAsync<SqliteException>(WriteAsync(session =>
        {
            session.Execute(sql);
            return 0;
        }));
        failure.Message.ShouldContain("append-only");
        (await _file.Stores.LogAsync("D1")).ShouldBe(before);
    }

    [Theory]
    [InlineData("SELECT device_id FROM locks WHERE state = 'Available' AND last_seen < 1 ORDER BY last_seen LIMIT 10", "locks_heard")]
    [InlineData("SELECT id FROM commands WHERE state = 'Sent' AND expires_at < 1 ORDER BY expires_at LIMIT 10", "commands_open")]
    [InlineData("SELECT max(id) FROM logs WHERE device_id = 'D1' AND id < 9", "logs_device")]
    [InlineData("SELECT device_id FROM locks WHERE owner = 'ada' AND device_id > 'D' ORDER BY device_id LIMIT 10", "locks_owner")]
    [InlineData("SELECT device_id FROM shares WHERE name_key = 'ADA' AND device_id > 'D' ORDER BY device_id LIMIT 10", "shares_user")]
    [InlineData("SELECT time FROM logs WHERE device_id = 'D1' AND action = 'lock.state' AND id >= 7 ORDER BY id DESC LIMIT 10", "logs_states")]
    [InlineData("DELETE FROM commands WHERE device_id = 'D1'", "commands_device")]
    [InlineData("SELECT 1 FROM commands WHERE requested_by = 'ada' AND idempotency_key = 'k'", "commands_once")]
    [InlineData("SELECT id FROM commands WHERE requested_by = 'ada'", "commands_asker")]
    [InlineData("SELECT id FROM sessions WHERE expires_at <= 1 ORDER BY expires_at LIMIT 10", "sessions_expiry")]
    [InlineData("SELECT id FROM sessions WHERE name_key = 'ADA' AND expires_at > 1 ORDER BY id DESC", "sessions_user")]
    [InlineData("DELETE FROM refresh_tokens WHERE session_id = 'S1' AND number <= 3", "refresh_tokens_session")]
    [InlineData("SELECT id FROM commands WHERE device_id = 'D1' AND state = 'Sent' AND result IS NULL AND action = 'Lock' AND issued_at <= 9", "commands_sent")]
    [InlineData("SELECT id FROM commands WHERE device_id = 'D1' AND state <> 'Sent' AND issued_at < 9 ORDER BY id LIMIT 9", "commands_device")]
    [InlineData("SELECT action FROM logs WHERE id < 9 AND actor = 'system' ORDER BY id DESC", "logs_actor")]
    [InlineData("SELECT action FROM logs WHERE id < 9 AND device_id = 'D1' ORDER BY id DESC", "logs_device")]
    [InlineData("SELECT action FROM logs WHERE (device_id, seq) > ('D1', 1) ORDER BY device_id, seq LIMIT 9", "sqlite_autoindex_logs_1")]
    [InlineData("DELETE FROM wrong_codes WHERE name_key = 'ADA'", "wrong_codes_account")]
    public async Task What_runs_often_is_an_index_seek(string sql, string index)
    {
        var plan = await WriteAsync(session =>
        {
            using var explain = session.Use($"EXPLAIN QUERY PLAN {sql}");
            var steps = new List<string>();
            while (explain.Step())
            {
                steps.Add(explain.Text(3));
            }

            return steps;
        });
        var step = plan.ShouldHaveSingleItem();
        step.ShouldStartWith("SEARCH");
        step.ShouldContain(index);
    }

    [Fact]
    public async Task Durable_writes_wait_for_the_disk_and_relaxed_ones_do_not()
    {
        var full = await _file.Database.WriteAsync(Durability.Full, session => session.Scalar("PRAGMA synchronous"), default);
        var relaxed = await _file.Database.WriteAsync(Durability.Relaxed, session => session.Scalar("PRAGMA synchronous"), default);
        var again = await _file.Database.WriteAsync(Durability.Full, session => session.Scalar("PRAGMA synchronous"), default);
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
}
