using System.Collections.Concurrent;
using SmartLock.Server.Accounts;

namespace SmartLock.Server.Tests.Accounts;

internal sealed class MemoryUsers : IUserStore
{
    private readonly ConcurrentDictionary<string, User> _users = new(StringComparer.OrdinalIgnoreCase);

    public Task<CreateUserOutcome> CreateAsync(User user, CancellationToken ct) =>
        Task.FromResult(_users.TryAdd(user.Username, user) ? CreateUserOutcome.Created : CreateUserOutcome.NameTaken);

    public Task<User?> FindAsync(string username, CancellationToken ct) => Task.FromResult(_users.GetValueOrDefault(username));

    public Task<bool> ReplacePasswordHashAsync(string username, string oldHash, string newHash, CancellationToken ct) =>
        Task.FromResult(_users.TryGetValue(username, out var user) && user.PasswordHash == oldHash
            && _users.TryUpdate(username, user with { PasswordHash = newHash }, user));

    public Task<bool> AnyAdminAsync(CancellationToken ct) => Task.FromResult(_users.Values.Any(u => u.Role == Role.Admin));
}
