using Microsoft.Extensions.Options;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

/// <summary>What a session's client is given: an access token for requests, a refresh token for the next pair.</summary>
internal sealed record SessionTokens(string AccessToken, TimeSpan AccessLifetime, string RefreshToken, TimeSpan RefreshLifetime)
{
    public override string ToString() => "Tokens of a session";
}

/// <summary>This process has ended sessions in the store.</summary>
/// <param name="SessionId">Null for all of the account's.</param>
internal sealed record SessionsEnded(string Username, string? SessionId);

/// <param name="Tokens">Set for Rotated.</param>
/// <param name="Account">Null for Unknown.</param>
internal sealed record RefreshResult(RotateOutcome Outcome, SessionTokens? Tokens = null, SessionAccount? Account = null);

/// <summary>
/// Opens, refreshes and ends sessions. An end is stored first, then forgotten by this process, then told to the connections that outlive
/// their request, and to other replicas: in this order nobody comes in between.
/// </summary>
internal sealed class Sessions(
    ISessionStore store,
    AccessTokens accessTokens,
    SessionCache active,
    RevocationWatcher ends,
    Events<SessionsEnded> ended,
    IOptions<AccountOptions> options,
    TimeProvider clock)
{
    private readonly TimeSpan _lifetime = TimeSpan.FromDays(options.Value.RefreshTokenDays);

    /// <summary>Null when the account was changed since <paramref name="user"/> was checked.</summary>
    public Task<SessionTokens?> OpenAsync(User user, Client client, CancellationToken ct) => OpenAsync(user, client, _lifetime, ct);

    /// <summary>
    /// The same for a client that knows no refresh token: the session ends with its access token, or those that the client
    /// opens one after the other would push out the sessions that are in use.
    /// </summary>
    public async Task<string?> OpenBriefAsync(User user, Client client, CancellationToken ct) =>
        (await OpenAsync(user, client, accessTokens.Lifetime, ct))?.AccessToken;

    public async Task<RefreshResult> RefreshAsync(string refreshToken, Client client, CancellationToken ct)
    {
        if (RefreshToken.HashOf(refreshToken) is not { } presented)
        {
            return new RefreshResult(RotateOutcome.Unknown);
        }

        var next = RefreshToken.New();
        var now = clock.GetUtcNow();
        var rotation = new Rotation(presented, RefreshToken.HashOf(next)!, now, now + _lifetime, client.Address);
        var result = await store.RotateAsync(rotation, ct);
        switch (result)
        {
            case { Outcome: RotateOutcome.Rotated, Account: { } account }:
                return new RefreshResult(result.Outcome, TokensOf(account.Username, account.SessionId, next), account);
            case { Outcome: RotateOutcome.Reused, Account: { } account }:
                Forget(account.Username, account.SessionId);
                break;
        }

        return new RefreshResult(result.Outcome, Account: result.Account);
    }

    public Task<IReadOnlyList<Session>> ListAsync(string username, CancellationToken ct) =>
        store.ListAsync(username, clock.GetUtcNow(), ct);

    public async Task<EndSessionOutcome> EndAsync(string username, string sessionId, CancellationToken ct)
    {
        var outcome = await store.EndAsync(username, sessionId, ct);
        Forget(username, sessionId);
        return outcome;
    }

    public async Task EndByTokenAsync(string refreshToken, CancellationToken ct)
    {
        if (RefreshToken.HashOf(refreshToken) is { } hash && await store.EndByTokenAsync(hash, ct) is { } session)
        {
            Forget(session.Username, session.SessionId);
        }
    }

    public async Task EndOthersAsync(string username, string sessionId, CancellationToken ct)
    {
        foreach (var other in await store.EndOthersAsync(username, sessionId, ct))
        {
            Forget(username, other);
        }
    }

    public async Task<int> DeleteExpiredAsync(int limit, CancellationToken ct)
    {
        var expired = await store.DeleteExpiredAsync(clock.GetUtcNow(), limit, ct);
        foreach (var session in expired)
        {
            Forget(session.Username, session.SessionId);
        }

        return expired.Count;
    }

    /// <summary>The store has changed the account, or ended sessions of it; <paramref name="sessionId"/> is null for all.</summary>
    public void Forget(string username, string? sessionId = null)
    {
        ForgetHere(username, sessionId);
        ended.Publish(new SessionsEnded(username, sessionId));
    }

    /// <summary>As <see cref="Forget"/>, of what another replica has stored.</summary>
    public void ForgetHere(string username, string? sessionId)
    {
        active.Forget(username, sessionId);
        ends.End(username, sessionId);
    }

    /// <summary>Other replicas may have ended any session: the next request of each asks the store.</summary>
    public void ForgetEverythingHere() => active.ForgetAll();

    private async Task<SessionTokens?> OpenAsync(User user, Client client, TimeSpan lifetime, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        var token = RefreshToken.New();
        var session = new NewSession(
            Ids.NewUlid(now), RefreshToken.HashOf(token)!, now, now + lifetime, client.UserAgent, client.Address);
        var result = await store.OpenAsync(user, session, options.Value.MaxSessions, ct);
        foreach (var replaced in result.Ended)
        {
            Forget(user.Username, replaced);
        }

        return result.Outcome == OpenSessionOutcome.Opened ? TokensOf(user.Username, session.Id, token) : null;
    }

    private SessionTokens TokensOf(string username, string sessionId, string refreshToken) =>
        new(accessTokens.Issue(username, sessionId), accessTokens.Lifetime, refreshToken, _lifetime);
}
