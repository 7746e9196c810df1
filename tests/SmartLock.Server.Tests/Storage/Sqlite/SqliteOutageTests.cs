using System.Diagnostics;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;
using SmartLock.Server.Storage.Sqlite;

namespace SmartLock.Server.Tests.Storage.Sqlite;

/// <summary>The file cannot be written for a while: nothing is half done, calls end in bounded time, and all recovers by itself.</summary>
public sealed class SqliteOutageTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Another_process_that_holds_the_file_makes_writes_unavailable_until_it_lets_go()
    {
        var logger = new RecordingLogger();
        using var file = new SqliteTestFile(new SqliteOptions { BusyTimeout = TimeSpan.FromMilliseconds(100) }, logger);
        await file.Stores.RegisterOnlineAsync("D1");
        using (var other = new SqliteSession(file.Path, TimeSpan.Zero))
        {
            other.Execute("BEGIN IMMEDIATE");
            var clock = Stopwatch.StartNew();
            await Should.ThrowAsync<StoreUnavailableException>(file.Stores.RegisterAsync("D2").WaitAsync(Patience));
            await Should.ThrowAsync<StoreUnavailableException>(file.Stores.ReportAsync(StoreSet.Report("D1")).WaitAsync(Patience));
            clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(5));
            file.Database.WriteFailure.ShouldNotBeNull();

            // Readers do not mind a writer.
            (await file.Stores.Locks.FindAsync("D1", "ada", default)).ShouldNotBeNull();
            other.Execute("ROLLBACK");
        }

        (await file.Stores.Locks.FindAsync("D2", "ada", default)).ShouldBeNull();
        (await file.Stores.RegisterAsync("D2")).ShouldBe(RegisterLockOutcome.Registered);
        file.Database.WriteFailure.ShouldBeNull();
        logger.Lines.Count(line => line.Contains("takes no writes", StringComparison.Ordinal)).ShouldBe(1);
        logger.Lines.Count(line => line.Contains("takes writes again", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public async Task Of_many_writes_that_wait_for_a_held_file_all_end_in_bounded_time()
    {
        using var file = new SqliteTestFile(new SqliteOptions
        {
            BusyTimeout = TimeSpan.FromMilliseconds(200),
            QueueTimeout = TimeSpan.FromMilliseconds(500),
        });
        await file.Stores.RegisterOnlineAsync("D1");
        using var other = new SqliteSession(file.Path, TimeSpan.Zero);
        other.Execute("BEGIN IMMEDIATE");
        var clock = Stopwatch.StartNew();
        var writes = Enumerable.Range(0, 50).Select(_ => file.Stores.ReportAsync(StoreSet.Report("D1"))).ToArray();
        foreach (var write in writes)
        {
            await Should.ThrowAsync<StoreUnavailableException>(write.WaitAsync(Patience));
        }

        // One after the other they would have taken fifty times the busy timeout.
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(5));
        other.Execute("ROLLBACK");
    }

    [Fact]
    public async Task A_full_disk_leaves_no_partial_rows_and_mends_when_there_is_room()
    {
        using var file = new SqliteTestFile();
        await file.Stores.RegisterOnlineAsync("D1");
        await LimitAsync(file, "PRAGMA max_page_count = 1");
        var written = new List<string>();
        var i = 0;
        for (; i < 10_000; i++)
        {
            try
            {
                await file.Stores.RegisterAsync($"F{i}", key: new byte[2_000], maxPerOwner: 100_000);
                written.Add($"F{i}");
            }
            catch (StoreUnavailableException)
            {
                break;
            }
        }

        i.ShouldBeLessThan(10_000);
        var batch = Enumerable.Range(0, 100).Select(n => StoreSet.Report(written.Count > n ? written[n] : "D1")).ToArray();
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async n =>
            await Should.ThrowAsync<StoreUnavailableException>(file.Stores.RegisterAsync($"G{n}", key: new byte[50_000]))));
        (await file.Stores.Devices.FindAsync($"F{i}", default)).ShouldBeNull();
        (await CountAsync(file, "SELECT count(*) FROM locks")).ShouldBe(written.Count + 1);
        (await CountAsync(file, "SELECT count(*) FROM device_keys")).ShouldBe(written.Count + 1);
        (await CountAsync(file, "SELECT count(*) FROM logs WHERE action = 'lock.register'")).ShouldBe(written.Count + 1);

        await LimitAsync(file, "PRAGMA max_page_count = 1000000");
        (await file.Stores.RegisterAsync("G0", key: new byte[50_000], maxPerOwner: 100_000)).ShouldBe(RegisterLockOutcome.Registered);
        (await file.Stores.ReportAsync([.. batch.DistinctBy(report => report.DeviceId)])).WentAway.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_caller_who_leaves_the_queue_is_not_written_for()
    {
        using var file = new SqliteTestFile();
        await file.Stores.RegisterOnlineAsync("D1");
        using var release = new ManualResetEventSlim();
        var blocker = Block(file, release);
        using var leaving = new CancellationTokenSource();
        var write = file.Database.WriteAsync(
            Durability.Full,
            session =>
            {
                session.Execute("UPDATE locks SET name = 'changed'");
                return 0;
            },
            leaving.Token);

        await leaving.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(write.WaitAsync(Patience));
        release.Set();
        await blocker.WaitAsync(Patience);
        await file.Stores.RegisterAsync("D2");
        (await file.Stores.Locks.FindAsync("D1", "ada", default))!.Name.ShouldBe("Door D1");
    }

    [Fact]
    public async Task The_queue_is_bounded()
    {
        using var file = new SqliteTestFile(new SqliteOptions { MaxQueuedWrites = 3, QueueTimeout = Patience });
        await file.Stores.RegisterOnlineAsync("D1");
        using var release = new ManualResetEventSlim();
        using var begun = new ManualResetEventSlim();
        var blocker = Block(file, release, begun);
        begun.Wait(Patience).ShouldBeTrue();

        // The first of these may be taken off the queue to join the write that runs; one more than fits is too many.
        var writes = Enumerable.Range(0, 5).Select(i => Task.Run(() => file.Stores.RegisterAsync($"Q{i}"))).ToArray();
        var refused = await Task.WhenAny(writes).WaitAsync(Patience);
        await Should.ThrowAsync<StoreUnavailableException>(refused);
        release.Set();
        await blocker.WaitAsync(Patience);
        await Task.WhenAll(writes.Where(write => write != refused).Select(write => write.ContinueWith(_ => { }, TaskScheduler.Default)))
            .WaitAsync(Patience);
        writes.Count(write => write.IsCompletedSuccessfully).ShouldBeInRange(3, 4);
    }

    [Fact]
    public async Task A_fault_in_one_write_does_not_fail_those_that_share_its_commit()
    {
        using var file = new SqliteTestFile();
        await file.Stores.RegisterOnlineAsync("D1");
        using var release = new ManualResetEventSlim();
        var blocker = Block(file, release);
        var before = file.Stores.RegisterAsync("D2");
        var faulty = file.Database.WriteAsync<int>(
            Durability.Full,
            session =>
            {
                session.Execute("UPDATE locks SET name = 'changed'");
                throw new InvalidDataException("a bug");
            },
            default);
        var after = file.Stores.RegisterAsync("D3");
        release.Set();
        await blocker.WaitAsync(Patience);

        await Should.ThrowAsync<InvalidDataException>(faulty.WaitAsync(Patience));
        (await before.WaitAsync(Patience)).ShouldBe(RegisterLockOutcome.Registered);
        (await after.WaitAsync(Patience)).ShouldBe(RegisterLockOutcome.Registered);
        (await file.Stores.Locks.FindAsync("D2", "ada", default))!.Name.ShouldBe("Door D2");
        (await file.Stores.LogAsync("D2")).Length.ShouldBe(1);
    }

    [Fact]
    public async Task After_it_is_closed_the_store_says_so()
    {
        var file = new SqliteTestFile();
        await file.Stores.RegisterOnlineAsync("D1");
        file.Dispose();
        await Should.ThrowAsync<StoreUnavailableException>(() => file.Stores.RegisterAsync("D2"));
        await Should.ThrowAsync<StoreUnavailableException>(() => file.Stores.Locks.FindAsync("D1", "ada", default));
    }

    /// <summary>A relaxed write, which shares its commit with nobody, that holds the writer until it is let go.</summary>
    private static Task<bool> Block(SqliteTestFile file, ManualResetEventSlim release, ManualResetEventSlim? begun = null) =>
        file.Database.WriteAsync(
            Durability.Relaxed,
            _ =>
            {
                begun?.Set();
                return release.Wait(Patience);
            },
            default);

    private static Task<bool> LimitAsync(SqliteTestFile file, string pragma) =>
        file.Database.WriteAsync(
            Durability.Relaxed,
            session => session.Execute(pragma) >= -1,
            default);

    private static async Task<long> CountAsync(SqliteTestFile file, string sql) =>
        await file.Database.ReadAsync(session => session.Scalar<long>(sql), default);
}
