using Microsoft.AspNetCore.Identity;
using SmartLock.Server.Infrastructure;
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
/// Hashes and checks passwords, a few at a time and in fair turns (<see cref="HashingTurns"/>). Both methods give null when too many wait already.
/// </summary>
internal sealed partial class Passwords
{
    private static readonly TimeSpan LogAtMostEvery = TimeSpan.FromSeconds(10);
    private readonly IPasswordHasher<User> _hasher;
    private readonly RefusedLogins _refused;
    private readonly ILogger<Passwords> _log;
    private readonly LogThrottle _throttle;
    private readonly Lazy<User> _nobody;
    private readonly HashingTurns _turns;

    public Passwords(IPasswordHasher<User> hasher, RefusedLogins refused, TimeProvider time, ILogger<Passwords> log)
    {
        _hasher = hasher;
        _refused = refused;
        _log = log;
        _throttle = new LogThrottle(time, LogAtMostEvery);
        _turns = new HashingTurns(Math.Max(1, Environment.ProcessorCount / 2), time);
        _nobody = new Lazy<User>(() => WithHash(_hasher.HashPassword(WithHash(""), Guid.NewGuid().ToString())));
    }

    public async Task<string?> HashAsync(string password, HashingTurn turn, CancellationToken ct)
    {
        using var slot = await _turns.EnterAsync(turn, ct);
        return slot is not null ? await Task.Run(() => _hasher.HashPassword(WithHash(""), password), ct) : null;
    }

    /// <param name="user">Null when there is no such account: takes as long as if there were one, and is wrong.</param>
    public async Task<PasswordVerdict?> VerifyAsync(User? user, string password, HashingTurn turn, CancellationToken ct)
    {
        using var slot = await _turns.EnterAsync(turn, ct);
        if (slot is null)
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

    private PasswordVerdict Verify(User? user, string password)
    {
        var account = Readable(user);
        var result = _hasher.VerifyHashedPassword(account ?? _nobody.Value, (account ?? _nobody.Value).PasswordHash, password);
        return account is null
            ? PasswordVerdict.Wrong
            : result switch
            {
                PasswordVerificationResult.Success => PasswordVerdict.Right,
                PasswordVerificationResult.SuccessRehashNeeded => PasswordVerdict.RightButOutdated,
                _ => PasswordVerdict.Wrong,
            };
    }

    /// <summary>Null as well for an account whose hash cannot be checked here: whoever guesses at it learns nothing, and the operator the reason.</summary>
    private User? Readable(User? user)
    {
        if (user is null || PasswordHashes.WhyUnreadable(user.PasswordHash) is not { } reason)
        {
            return user;
        }

        if (_throttle.TryEnter(out _))
        {
            LogUnreadable(user.Username, reason);
        }

        return null;
    }

    private static User WithHash(string hash) => new("", null, hash, Role.User, default, Disabled: false);

    [LoggerMessage(1, LogLevel.Error, "The sign-in of {Username} was refused: the stored password hash {Reason}")]
    private partial void LogUnreadable(string username, string reason);
}
