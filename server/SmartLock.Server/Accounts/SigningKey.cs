using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

/// <summary>What access tokens are signed with: <c>Jwt:SigningKey</c>, or a key that the first start makes.</summary>
internal sealed class SigningKey(IOptions<JwtOptions> options, DataFolder folder, ISessionStore sessions) : IHostedLifecycleService
{
    private const string FileName = "jwt-signing.key";

    private readonly ServerKey _key = new("Jwt:SigningKey", options.Value.SigningKey, folder, FileName);
    private SymmetricSecurityKey? _parsed;

    /// <exception cref="StartupException">It is missing, or cannot be read.</exception>
    public SymmetricSecurityKey Key => _parsed ??= new(_key.Value);

    /// <summary>After the store was opened, and before anybody is let in: what was signed under a key that is lost is signed under no other.</summary>
    public async Task StartingAsync(CancellationToken cancellationToken) =>
        _key.Provide(await sessions.AnyAsync(cancellationToken) ? "sessions whose access tokens were" : null);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
