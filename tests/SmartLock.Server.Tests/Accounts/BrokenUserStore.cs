using SmartLock.Server.Accounts;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Tests.Accounts;

/// <summary>A store that finds nobody while it is broken.</summary>
internal sealed class BrokenUserStore : IUserStore
{
    private IUserStore _real = null!;

    public bool IsBroken { get; set; }

    public BrokenUserStore Around(IUserStore real)
    {
        _real = real;
        return this;
    }

    public Task<User?> FindAsync(string username, CancellationToken ct) =>
        IsBroken ? throw new StoreUnavailableException("It is broken.") : _real.FindAsync(username, ct);

    public Task<CreateUserOutcome> CreateAsync(User user, string actor, CancellationToken ct) => _real.CreateAsync(user, actor, ct);

    public Task<FirstAdminOutcome> CreateFirstAdminAsync(User user, CancellationToken ct) => _real.CreateFirstAdminAsync(user, ct);

    public Task<Page<User>> ListAsync(UserFilter filter, string? after, int limit, CancellationToken ct) => _real.ListAsync(filter, after, limit, ct);

    public Task<bool> ReplacePasswordHashAsync(string username, string oldHash, string newHash, CancellationToken ct) =>
        _real.ReplacePasswordHashAsync(username, oldHash, newHash, ct);

    public Task<ChangePasswordOutcome> ChangePasswordAsync(User user, string newHash, DateTimeOffset now, CancellationToken ct) =>
        _real.ChangePasswordAsync(user, newHash, now, ct);

    public Task<User?> ChangeEmailAsync(string username, string? email, DateTimeOffset now, CancellationToken ct) =>
        _real.ChangeEmailAsync(username, email, now, ct);

    public Task<UpdateUserResult> UpdateAsync(string username, UserChange change, string actor, DateTimeOffset now, CancellationToken ct) =>
        _real.UpdateAsync(username, change, actor, now, ct);

    public Task<DeleteUserOutcome> DeleteAsync(string username, string actor, DateTimeOffset now, CancellationToken ct) =>
        _real.DeleteAsync(username, actor, now, ct);

    public Task<bool> AnyAdminAsync(CancellationToken ct) => _real.AnyAdminAsync(ct);
}
