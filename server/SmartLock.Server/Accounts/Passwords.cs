using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Identity;
using SmartLock.Server.Telemetry;

namespace SmartLock.Server.Accounts;

internal enum PasswordVerdict
{
    Wrong,
    Right,

    /// <summary>Right, and the hash is of an older kind than new ones are.</summary>
    RightButOutdated,
}

/// <summary>
/// Hashes and checks passwords, a few at a time: hashing is slow on purpose, and must leave processors to those who want their
/// door opened. Both methods give null when too many wait already.
/// </summary>
internal sealed class Passwords : IDisposable
{
    private const int MostWaiting = 64;
    private readonly IPasswordHasher<User> _hasher;
    private readonly RefusedLogins _refused;
    private readonly Lazy<User> _nobody;
    private readonly ConcurrencyLimiter _turns = new(new ConcurrencyLimiterOptions
    {
        PermitLimit = Math.Max(1, Environment.ProcessorCount / 2),
        QueueLimit = MostWaiting,
    });

    public Passwords(IPasswordHasher<User> hasher, RefusedLogins refused)
    {
        _hasher = hasher;
        _refused = refused;
        _nobody = new Lazy<User>(() => WithHash(_hasher.HashPassword(WithHash(""), Guid.NewGuid().ToString())));
    }

    public async Task<string?> HashAsync(string password, CancellationToken ct)
    {
        using var turn = await _turns.AcquireAsync(1, ct);
        return turn.IsAcquired ? await Task.Run(() => _hasher.HashPassword(WithHash(""), password), ct) : null;
    }

    /// <param name="user">Null when there is no such account: takes as long as if there were one, and is wrong.</param>
    public async Task<PasswordVerdict?> VerifyAsync(User? user, string password, CancellationToken ct)
    {
        using var turn = await _turns.AcquireAsync(1, ct);
        if (!turn.IsAcquired)
        {
            return null;
        }

        var verdict = await Task.Run(() => Verify(user, password), ct);
        if (verdict is PasswordVerdict.Wrong)
        {
            _refused.AtApi();
        }

        return verdict;
    }

    public void Dispose() => _turns.Dispose();

    private PasswordVerdict Verify(User? user, string password)
    {
        var account = user ?? _nobody.Value;
        var result = _hasher.VerifyHashedPassword(account, account.PasswordHash, password);
        return user is null
            ? PasswordVerdict.Wrong
            : result switch
            {
                PasswordVerificationResult.Success => PasswordVerdict.Right,
                PasswordVerificationResult.SuccessRehashNeeded => PasswordVerdict.RightButOutdated,
                _ => PasswordVerdict.Wrong,
            };
    }

    private static User WithHash(string hash) => new("", null, hash, Role.User, default, Disabled: false);
}
