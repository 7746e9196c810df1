using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.IdentityModel.JsonWebTokens;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

/// <summary>
/// Caches what a valid token says, so that the next request with it need not verify its signature and parse its JSON again, which is half
/// the cost of a short read. What may change is not cached: the token's times are checked here, its session by <see cref="SessionCache"/>.
/// </summary>
internal sealed class TokenCache(AccessTokens tokens) : IDisposable
{
    private const int MaxEntries = 20_000;

    /// <summary>A full cache refuses a new entry and drops its least recently used ones; the refused token is verified again at its next use.</summary>
    private readonly MemoryCache _known = new(new MemoryCacheOptions { SizeLimit = MaxEntries });

    /// <summary>Null for one that is not cached, or not valid at this time.</summary>
    public CachedToken? Find(ReadOnlySpan<char> token)
    {
        Span<char> key = stackalloc char[Digest.Length];
        Digest.Write(token, key);
        return _known.TryGetValue(key, out CachedToken? known) && tokens.IsCurrent(known!.NotBefore, known.Expires) ? known : null;
    }

    /// <param name="token">Checked: signature, issuer, audience and time.</param>
    /// <returns>Null when it lacks a claim that this server's tokens have.</returns>
    public CachedToken? Add(JsonWebToken token)
    {
        if (token.Subject is not { Length: > 0 } username
            || !token.TryGetPayloadValue<string>(Identity.SessionClaim, out var sessionId)
            || !token.TryGetPayloadValue<long>(Identity.ExpiryClaim, out var expiry))
        {
            return null;
        }

        var known = new CachedToken(username, sessionId, expiry.ToString(CultureInfo.InvariantCulture), token.ValidFrom, token.ValidTo);
        using var entry = _known.CreateEntry(string.Create(Digest.Length, token.EncodedToken, static (key, text) => Digest.Write(text, key)));
        entry.Size = 1;
        entry.Value = known;
        return known;
    }

    public void Dispose() => _known.Dispose();

    /// <summary>
    /// The key in place of the token: 32 bytes for some 300, and nothing that anybody could sign in with. They are taken as 16 characters,
    /// because the cache looks up a span of characters without an allocation and boxes any other value.
    /// </summary>
    private static class Digest
    {
        public const int Length = SHA256.HashSizeInBytes / sizeof(char);

        public static void Write(ReadOnlySpan<char> token, Span<char> key) =>
            SHA256.HashData(MemoryMarshal.AsBytes(token), MemoryMarshal.AsBytes(key));
    }
}

/// <param name="Expiry">The claim as it stands in the token.</param>
internal sealed record CachedToken(string Username, string SessionId, string Expiry, DateTime NotBefore, DateTime Expires);
