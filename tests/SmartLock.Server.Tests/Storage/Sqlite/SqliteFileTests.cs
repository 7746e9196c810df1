using Microsoft.Data.Sqlite;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Storage.Sqlite;

namespace SmartLock.Server.Tests.Storage.Sqlite;

public sealed class SqliteFileTests
{
    [Fact]
    public async Task The_file_and_its_companions_are_their_owners_only()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no file modes.");
        using var file = new SqliteTestFile();
        await file.Stores.RegisterOnlineAsync("D1");
        foreach (var suffix in (string[])["", "-wal", "-shm"])
        {
#pragma warning disable CA1416 // Skipped on Windows.
            File.GetUnixFileMode(file.Path + suffix).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
#pragma warning restore CA1416
        }
    }

    [Fact]
    public void A_place_that_cannot_be_written_ends_the_start_with_a_sentence()
    {
        using var file = new SqliteTestFile();
        file.Database.Open();

        // A file where the folder should be stops even root, which no file mode does.
        var failure = Should.Throw<StartupException>(() => new SqliteFile(Path.Combine(file.Path, "x.db"), file.Options, SqliteTestFile.Chain).Prepare());
        failure.Message.ShouldStartWith($"The store {file.Path}");
        failure.Message.ShouldContain("Storage:Sqlite:File");
    }

    [Fact]
    public async Task A_file_that_is_no_database_ends_the_start_with_a_sentence()
    {
        using var file = new SqliteTestFile();
        await File.WriteAllTextAsync(file.Path, new string('x', 10_000));
        Should.Throw<StartupException>(file.Database.Open).Message.ShouldContain("undamaged SQLite file");
    }

    [Fact]
    public void Another_programs_database_is_refused_untouched()
    {
        using var file = new SqliteTestFile();
        Execute(file.Path, "CREATE TABLE songs (title TEXT)");
        Should.Throw<StartupException>(file.Database.Open).Message.ShouldContain("another program's database");
        Query(file.Path, "PRAGMA journal_mode").ShouldBe("delete");
        Query(file.Path, "SELECT count(*) FROM sqlite_master").ShouldBe(1L);
    }

    [Fact]
    public void A_newer_programs_file_is_refused()
    {
        using var file = new SqliteTestFile();
        file.Database.Open();
        Execute(file.Path, "PRAGMA user_version = 99");
        var failure = Should.Throw<StartupException>(() => new SqliteFile(file.Path, file.Options, SqliteTestFile.Chain).Prepare());
        failure.Message.ShouldContain("newer SmartLock (schema 99");
    }

    [Fact]
    public void Each_script_runs_once_and_later_ones_are_added()
    {
        using var file = new SqliteTestFile();
        using (var first = Open(file.Path))
        {
            SqliteMigrations.Run(first, file.Path, ["CREATE TABLE a (x)"]);
        }

        using (var second = Open(file.Path))
        {
            SqliteMigrations.Run(second, file.Path, ["CREATE TABLE a (x)", "CREATE TABLE b (x)"]);
            SqliteMigrations.Run(second, file.Path, ["CREATE TABLE a (x)", "CREATE TABLE b (x)"]);
        }

        Query(file.Path, "PRAGMA user_version").ShouldBe(2L);
        Query(file.Path, "SELECT count(*) FROM sqlite_master").ShouldBe(2L);
    }

    [Fact]
    public void A_script_that_fails_leaves_the_file_as_it_was()
    {
        using var file = new SqliteTestFile();
        using (var session = Open(file.Path))
        {
            Should.Throw<SqliteException>(() => SqliteMigrations.Run(session, file.Path, ["CREATE TABLE a (x)", "CREATE TABEL b (x)"]));
        }

        Query(file.Path, "PRAGMA user_version").ShouldBe(0L);
        Query(file.Path, "SELECT count(*) FROM sqlite_master").ShouldBe(0L);
    }

    [Fact]
    public async Task What_was_written_is_there_after_a_restart()
    {
        using var file = new SqliteTestFile();
        await file.Stores.RegisterOnlineAsync("D1");
        file.Database.Dispose();
        using var again = new SqliteDatabase(file.Path, file.Options, SqliteTestFile.Chain, new RecordingLogger());
        var found = await new SqliteLockStore(again).FindAsync("D1", "ada", default);
        found!.LastSeen.ShouldBe(StoreSet.Noon);
    }

    private static SqliteSession Open(string path)
    {
        File.AppendAllText(path, "");
        return new SqliteSession(path, TimeSpan.FromSeconds(1));
    }

    private static void Execute(string path, string sql) => Query(path, sql);

    private static object? Query(string path, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
