using SmartLock.Server.Audit;
using SmartLock.Server.Storage.Sqlite;

namespace SmartLock.Server.Tests.Storage.Sqlite;

public sealed class SqliteLogChainingTests
{
    [Fact]
    public async Task A_log_from_before_there_were_chains_is_chained_in_its_order_and_names_become_ids()
    {
        using var file = new SqliteTestFile();
        await File.WriteAllBytesAsync(file.Path, []);
        using (var old = new SqliteSession(file.Path, TimeSpan.FromSeconds(1), SqliteTestFile.Chain))
        {
            SqliteMigrations.Run(old, file.Path, [SqliteSchema.Scripts[0]]);
            old.Execute("""
                INSERT INTO users (name_key, username, email, password_hash, role, created_at, disabled) VALUES ('ADA', 'Ada', NULL, 'x', 'User', 0, 0);
                INSERT INTO locks (device_id, name, owner, status, state, unsigned, created_at) VALUES ('D1', 'Door', 'Ada', 'Unknown', 'Unavailable', 0, 0);
                INSERT INTO logs (time, device_id, actor, action, result, command_id) VALUES
                    (1000, 'D1', 'Ada', 'lock.register', 'registered', NULL), (2000, 'D2', 'eve', 'command.unlock', 'refused: not found', NULL),
                    (3000, 'D1', 'Ada', 'command.unlock', 'sent', 'C1'), (4000, 'D1', 'device:D1', 'command.unlock', 'done', 'C1');
                """);
        }

        (await file.Stores.LogAsync("D1", "Ada")).ShouldBe(["Ada lock.register registered", "Ada command.unlock sent", "device:D1 command.unlock done"]);
        var rows = await file.Stores.Audit.ReadChainsAsync("D1", null, 10, default);
        rows.Select(r => r.Entry.Actor).Distinct().Count().ShouldBe(2);
        rows.ShouldAllBe(r => r.Entry.Actor != "Ada");
        var report = await new AuditVerification(file.Stores.Audit, SqliteTestFile.Chain).RunAsync(null, default);
        (report.IsIntact, report.Entries, report.Chains).ShouldBe((true, 5, 3), "the accounts were bound to their names, which is on the record too");
    }

    [Fact]
    public async Task Another_key_finds_every_chain_broken_and_says_how_many()
    {
        using var file = new SqliteTestFile();
        for (var i = 0; i < ChainCheck.MostNamed + 5; i++)
        {
            await file.Stores.RegisterAsync($"D{i}");
        }

        var report = await new AuditVerification(file.Stores.Audit, new AuditChain(new byte[32])).RunAsync(null, default);

        (report.BrokenChains, report.Broken.Count).ShouldBe((ChainCheck.MostNamed + 5, ChainCheck.MostNamed));
        report.Broken.ShouldAllBe(b => b.Fault == ChainFault.Altered && b.Sequence == 1);
    }
}
