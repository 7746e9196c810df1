using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.IdentityModel.JsonWebTokens;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

/// <summary>
/// What a good token says, so that the next request with the same one need not have its signature checked and its JSON read again: half
/// of what a short read costs. What may change is not remembered: time is looked at here, the session by <see cref="ActiveAccounts"/>.
/// </summary>
internal sealed class CheckedTokens(AccessTokens tokens)
{
    private const int MostRemembered = 20_000;
    private readonly ConcurrentDictionary<Digest, CheckedToken> _known = new();

    /// <summary>Null for one not seen before, or not valid at this time.</summary>
    public CheckedToken? Find(ReadOnlySpan<char> token)
    {
        var digest = Digest.Of(token);
        if (!_known.TryGetValue(digest, out var known))
        {
            return null;
        }

        if (tokens.IsCurrent(known.NotBefore, known.Expires))
        {
            return known;
        }

        _known.TryRemove(digest, out _);
        return null;
    }

    /// <param name="token">Checked: signature, issuer, audience and time.</param>
    /// <returns>Null when it does not say all that ours say.</returns>
    public CheckedToken? Add(JsonWebToken token)
    {
        if (token.Subject is not { Length: > 0 } username
            || !token.TryGetPayloadValue<string>(Identity.SessionClaim, out var sessionId)
            || !token.TryGetPayloadValue<long>(Identity.ExpiryClaim, out var expiry))
        {
            return null;
        }

        // Only tokens signed here come this far, so that it takes so many sign-ins to fill it.
        if (_known.Count >= MostRemembered)
        {
            _known.Clear();
        }

        return _known[Digest.Of(token.EncodedToken)] = new CheckedToken(username, sessionId, expiry.ToString(CultureInfo.InvariantCulture), token.ValidFrom, token.ValidTo);
    }

    /// <summary>In the token's place: 32 bytes for some 300, and nothing that anybody could sign in with.</summary>
    private readonly record struct Digest(UInt128 First, UInt128 Second)
    {
        public static Digest Of(ReadOnlySpan<char> token)
        {
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(MemoryMarshal.AsBytes(token), hash);
            return MemoryMarshal.Read<Digest>(hash);
        }
    }
}

/// <param name="Expiry">The claim as it stands in the token.</param>
internal sealed record CheckedToken(string Username, string SessionId, string Expiry, DateTime NotBefore, DateTime Expires);
