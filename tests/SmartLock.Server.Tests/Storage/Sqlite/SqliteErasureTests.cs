using System.Text;
using SmartLock.Server.Accounts;

namespace SmartLock.Server.Tests.Storage.Sqlite;

public sealed class SqliteErasureTests
{
    /// <summary>So many that pages are split and joined again, which copies rows from one to another.</summary>
    private const int Accounts = 400;

    [Fact]
    public async Task No_account_of_many_leaves_a_trace_between_the_rows_of_the_others()
    {
        using var file = new SqliteTestFile();
        foreach (var i in Shuffled())
        {
            await file.Stores.CreateUsersAsync(NameOf(i));
            var user = await file.Stores.Users.FindAsync(NameOf(i), default);
            for (var session = 0; session < 4; session++)
            {
                await OpenSessionAsync(file, user!, $"S{i}-{session}");
            }
        }

        foreach (var i in Shuffled())
        {
            var outcome = await file.Stores.Users.DeleteAsync(NameOf(i), "root", StoreSet.Noon, default);
            outcome.ShouldBe(DeleteUserOutcome.Deleted);
            if (i % 10 == 0)
            {
                BytesOf(file).Contains(NameOf(i), StringComparison.OrdinalIgnoreCase).ShouldBeFalse(NameOf(i));
            }
        }

        BytesOf(file).Contains("somebody-", StringComparison.OrdinalIgnoreCase).ShouldBeFalse();
    }

    private static async Task OpenSessionAsync(SqliteTestFile file, User user, string id)
    {
        var session = new NewSession(
            id, Encoding.UTF8.GetBytes(id), StoreSet.Noon, StoreSet.Noon.AddDays(1), $"Phone of {user.Username}", "192.0.2.1");
        (await file.Stores.Sessions.OpenAsync(user, session, 3, default)).Outcome.ShouldBe(OpenSessionOutcome.Opened);
    }

    /// <summary>In an order that is the same each time.</summary>
    private static IEnumerable<int> Shuffled() => Enumerable.Range(0, Accounts).Select(i => i * 169 % Accounts);

    private static string NameOf(int i) => $"somebody-{i:D4}";

    private static string BytesOf(SqliteTestFile file)
    {
        var text = new StringBuilder();
        foreach (var suffix in new[] { "", "-wal" })
        {
            using var stream = new FileStream(file.Path + suffix, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(stream, Encoding.Latin1);
            text.Append(reader.ReadToEnd());
        }

        return text.ToString();
    }
}
