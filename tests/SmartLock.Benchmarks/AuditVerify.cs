using System.Diagnostics;
using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server;
using SmartLock.Server.Audit;
using SmartLock.Server.Storage.Sqlite;

namespace SmartLock.Benchmarks;

/// <summary><c>audit verify</c>, as the program an operator starts, over 1,000,000 entries of 1,000 locks; then over the same with one byte changed.</summary>
internal static class AuditVerify
{
    private const int Locks = 1_000;
    private const int PerLock = 1_000;
    private const int PerTransaction = 20_000;
    private const string Change = """
        DROP TRIGGER logs_no_update;
        UPDATE logs SET result = 'sens' WHERE device_id = 'ESP32-0613' AND seq = 577
        """;

    public static async Task<int> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("smartlock-bench-").FullName;
        try
        {
            await FillAsync(folder);
            await VerifyAsync(folder, expectedExitCode: 0);
            ChangeOneByte(Path.Combine(folder, "smartlock.db"));
            await VerifyAsync(folder, expectedExitCode: 3);
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task FillAsync(string folder)
    {
        await using var app = SmartLockServer.Create([$"--Data:Folder={folder}", "--Logging:LogLevel:Default=Warning"]);
        var database = app.Services.GetRequiredService<SqliteDatabase>();
        var start = new DateTimeOffset(2026, 6, 1, 0, 0, 0, TimeSpan.Zero);
        var clock = Stopwatch.StartNew();
        for (var first = 0; first < Locks * PerLock; first += PerTransaction)
        {
            var from = first;
            await database.WriteAsync(Durability.Relaxed, session => Append(session, start, from), default);
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Written: {Locks * PerLock:N0} entries, {clock.Elapsed.TotalMicroseconds / (Locks * PerLock):0.0} us each"));
    }

    private static int Append(SqliteSession session, DateTimeOffset start, int first)
    {
        for (var i = first; i < first + PerTransaction; i++)
        {
            var deviceId = string.Create(CultureInfo.InvariantCulture, $"ESP32-{i % Locks:0000}");
            var commandId = string.Create(CultureInfo.InvariantCulture, $"01JDX{i:000000000000000000000}");
            session.Append(new NewAuditEntry(start.AddSeconds(i), deviceId, "ada", AuditActions.UnlockCommand, AuditResults.Sent, commandId));
        }

        return PerTransaction;
    }

    private static void ChangeOneByte(string file)
    {
        using var connection = new SqliteConnection($"Data Source={file};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = Change;
        command.ExecuteNonQuery();
    }

    private static async Task VerifyAsync(string folder, int expectedExitCode)
    {
        var server = Path.Combine(AppContext.BaseDirectory, "SmartLock.Server.dll");
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(new ProcessStartInfo("dotnet", [server, "audit", "verify", $"--Data:Folder={folder}"]))!;
        await process.WaitForExitAsync();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"audit verify: {clock.Elapsed.TotalSeconds:0.0} s, exit code {process.ExitCode} (expected {expectedExitCode})"));
    }
}
