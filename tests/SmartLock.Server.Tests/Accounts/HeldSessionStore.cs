using SmartLock.Server.Accounts;

namespace SmartLock.Server.Tests.Accounts;

/// <summary>Holds the first answer to a look-up back after it was read.</summary>
internal sealed class HeldSessionStore(ISessionStore real) : ISessionStore
{
    private bool _held;

    public TaskCompletionSource HasRead { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource GoOn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public async Task<SessionAccount?> FindAsync(string sessionId, DateTimeOffset now, CancellationToken ct)
    {
        var found = await real.FindAsync(sessionId, now, ct);
        if (!Interlocked.Exchange(ref _held, true))
        {
            HasRead.SetResult();
            await GoOn.Task;
        }

        return found;
    }

    public Task<OpenSessionResult> OpenAsync(User user, NewSession session, int most, CancellationToken ct) =>
        real.OpenAsync(user, session, most, ct);

    public Task<bool> AnyAsync(CancellationToken ct) => real.AnyAsync(ct);

    public Task<bool> IsKnownNetworkAsync(string username, string network, CancellationToken ct) => real.IsKnownNetworkAsync(username, network, ct);

    public Task<RotateResult> RotateAsync(Rotation rotation, CancellationToken ct) => real.RotateAsync(rotation, ct);

    public Task<IReadOnlyList<Session>> ListAsync(string username, DateTimeOffset now, CancellationToken ct) => real.ListAsync(username, now, ct);

    public Task<EndSessionOutcome> EndAsync(string username, string sessionId, CancellationToken ct) => real.EndAsync(username, sessionId, ct);

    public Task<EndedSession?> EndByTokenAsync(byte[] tokenHash, CancellationToken ct) => real.EndByTokenAsync(tokenHash, ct);

    public Task<IReadOnlyList<string>> EndOthersAsync(string username, string sessionId, CancellationToken ct) =>
        real.EndOthersAsync(username, sessionId, ct);

    public Task<IReadOnlyList<EndedSession>> DeleteExpiredAsync(DateTimeOffset now, int limit, CancellationToken ct) =>
        real.DeleteExpiredAsync(now, limit, ct);

    public Task NoteRefusedAsync(string username, string result, DateTimeOffset now, CancellationToken ct) =>
        real.NoteRefusedAsync(username, result, now, ct);
}
