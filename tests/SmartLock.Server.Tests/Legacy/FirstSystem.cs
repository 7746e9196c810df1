using System.Runtime.CompilerServices;
using SmartLock.Server.Legacy.Import;

namespace SmartLock.Server.Tests.Legacy;

/// <summary>What the first system's database holds, in memory.</summary>
internal sealed class FirstSystem : ILegacyDatabase
{
    public static readonly DateTimeOffset Begun = new(2024, 5, 1, 10, 0, 0, TimeSpan.Zero);

    public List<LegacyUser> Users { get; } = [];

    public List<LegacyLockRow> Locks { get; } = [];

    public List<LegacyCommandRow> Commands { get; } = [];

    public long Heartbeats { get; set; }

    /// <summary>After so many rows of commands the process is killed.</summary>
    public int? DiesAfter { get; set; }

    public FirstSystem Add(string? username, string? password = TestApp.Password, bool admin = false, string? email = null)
    {
        Users.Add(new LegacyUser($"u{Users.Count}", Begun.AddMinutes(Users.Count), username, password, email, admin));
        return this;
    }

    public FirstSystem AddLock(string? deviceId, string? owner, string? name = "Front door")
    {
        Locks.Add(new LegacyLockRow(deviceId, name, owner));
        return this;
    }

    public FirstSystem AddCommand(string? deviceId, string? userId, string? action = "UNLOCK", DateTimeOffset? time = null)
    {
        Commands.Add(new LegacyCommandRow($"c{Commands.Count}", time ?? Begun.AddHours(1 + Commands.Count), deviceId, action, userId));
        return this;
    }

    public IAsyncEnumerable<LegacyUser> ReadUsersAsync(CancellationToken ct) => Users.ToAsyncEnumerable();

    public IAsyncEnumerable<LegacyLockRow> ReadLocksAsync(CancellationToken ct) => Locks.ToAsyncEnumerable();

    public async IAsyncEnumerable<LegacyCommandRow> ReadCommandsAsync([EnumeratorCancellation] CancellationToken ct)
    {
        await Task.CompletedTask;
        foreach (var (index, row) in Commands.Index())
        {
            if (index == DiesAfter)
            {
                throw new OperationCanceledException("killed");
            }

            yield return row;
        }
    }

    public Task<long> CountHeartbeatsAsync(CancellationToken ct) => Task.FromResult(Heartbeats);
}
