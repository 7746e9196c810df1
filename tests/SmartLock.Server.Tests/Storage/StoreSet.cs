using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;
using SmartLock.Server.Commands;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Tests.Storage;

/// <summary>The stores of one fresh, empty database, and the few moves that the contract's tests share.</summary>
internal sealed record StoreSet(
    IUserStore Users,
    ILockStore Locks,
    ICommandStore Commands,
    IDeviceStore Devices,
    IAuditStore Audit,
    ISessionStore Sessions,
    ISecondFactorStore SecondFactors,
    IShareStore Shares,
    ILockAdminStore LockAdmin,
    IPairingStore Pairings)
{
    public const int ManyLocks = 1_000;
    public static readonly DateTimeOffset Noon = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);
    public static readonly TimeSpan Validity = TimeSpan.FromSeconds(10);

    public Task<RegisterLockOutcome> RegisterAsync(
        string deviceId,
        string owner = "ada",
        byte[]? key = null,
        int maxPerOwner = ManyLocks) =>
        Locks.RegisterAsync(
            new NewLock(deviceId, $"Door {deviceId}", owner, key ?? [1, 2, 3], Unsigned: false, Noon),
            maxPerOwner,
            new NewAuditEntry(Noon, deviceId, owner, AuditActions.LockRegistered, AuditResults.Registered),
            default);

    /// <summary>Accounts under these names.</summary>
    public Task CreateUsersAsync(params string[] usernames) => CreateUsersAsync(disabled: false, usernames);

    public async Task CreateUsersAsync(bool disabled, params string[] usernames)
    {
        foreach (var username in usernames)
        {
            var user = new User(username, null, "not a hash", Role.User, Noon, disabled);
            (await Users.CreateAsync(user, default)).ShouldBe(CreateUserOutcome.Created);
        }
    }

    /// <summary>A lock whose device was reported at <see cref="Noon"/>.</summary>
    public async Task RegisterOnlineAsync(string deviceId, string owner = "ada")
    {
        (await RegisterAsync(deviceId, owner)).ShouldBe(RegisterLockOutcome.Registered);
        await ReportAsync(Report(deviceId));
    }

    public Task<DeviceBatchResult> ReportAsync(params DeviceReport[] reports) =>
        Devices.TakeAsync(new DeviceBatch(reports, [], []));

    public Task<DeviceBatchResult> DecideAsync(string deviceId, string commandId, string result, DateTimeOffset? at = null) =>
        Devices.TakeAsync(new DeviceBatch([], [new Verdict(deviceId, commandId, result, at ?? Noon)], []));

    public Task<DeviceBatchResult> LoseAsync(string deviceId, long connectedAt, DateTimeOffset? at = null) =>
        Devices.TakeAsync(new DeviceBatch([], [], [new ConnectionLoss(deviceId, connectedAt, at ?? Noon)]));

    public static DeviceReport Report(
        string deviceId,
        DateTimeOffset? receivedAt = null,
        LockStatus status = LockStatus.Locked,
        string? issue = null,
        long connectedAt = 500) =>
        new(deviceId, receivedAt ?? Noon, status, issue, 1_000, connectedAt, true, "1.0.0", -61, 3_700, 86_400);

    public static IssueRequest Unlock(
        string deviceId,
        string commandId,
        string actor = "ada",
        string? key = null,
        DateTimeOffset? now = null,
        CommandAction action = CommandAction.Unlock) =>
        new(commandId, deviceId, action, actor, key, now ?? Noon, Validity);

    /// <summary>Results of the lock's log, oldest first.</summary>
    public async Task<string[]> LogAsync(string deviceId, string owner = "ada")
    {
        var page = await Audit.ListAsync(owner, new AuditFilter(deviceId), null, 100, default);
        return [.. page.Items.Reverse().Select(entry => $"{entry.Actor} {entry.Action} {entry.Result}")];
    }

    /// <summary>Everything in the lock's log, whoever owns it, oldest first; with <c>> name</c> where an entry has a target.</summary>
    public async Task<string[]> WholeLogAsync(string deviceId)
    {
        var page = await Audit.ListAllAsync(new AuditFilter(deviceId), null, 100, default);
        return [.. page.Items.Reverse().Select(entry => $"{entry.Actor} {entry.Action} {entry.Result}{(entry.Target is null ? "" : $" > {entry.Target}")}")];
    }

    /// <summary>Shares the lock of <paramref name="owner"/>'s from <see cref="Noon"/> on.</summary>
    public async Task ShareAsync(
        string deviceId,
        string username,
        ShareRole role,
        DateTimeOffset? from = null,
        DateTimeOffset? until = null,
        string owner = "ada")
    {
        var granted = await Shares.GrantAsync(new LockChange(deviceId, owner, Noon), new Share(username, role, from, until, Noon), ManyLocks, default);
        granted.Outcome.ShouldBe(GrantShareOutcome.Granted);
    }
}
