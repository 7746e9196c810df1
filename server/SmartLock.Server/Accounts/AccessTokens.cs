using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

/// <summary>Makes access tokens and says which are good: HS256 under the server's own key, nothing else.</summary>
internal sealed class AccessTokens(SigningKey signingKey, IOptions<JwtOptions> options, TimeProvider clock)
{
    private static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(5);
    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };

    public TimeSpan Lifetime { get; } = TimeSpan.FromMinutes(options.Value.AccessTokenMinutes);

    /// <summary>
    /// Names the account and the session only; whether that still stands, and what the account may do, is asked of the store when the token is used.
    /// </summary>
    public string Issue(string username, string sessionId)
    {
        var now = clock.GetUtcNow();
        return _handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = options.Value.Issuer,
            Audience = options.Value.Audience,
            Subject = new([
                new(Identity.UsernameClaim, username),
                new(Identity.SessionClaim, sessionId),
                new("jti", Ids.NewUlid(now)),
            ]),
            IssuedAt = now.UtcDateTime,
            NotBefore = now.UtcDateTime,
            Expires = (now + Lifetime).UtcDateTime,
            SigningCredentials = new SigningCredentials(signingKey.Key, SecurityAlgorithms.HmacSha256),
        });
    }

    public void Configure(JwtBearerOptions bearer)
    {
        bearer.MapInboundClaims = false;
        bearer.TokenValidationParameters = new TokenValidationParameters
        {
            ValidIssuer = options.Value.Issuer,
            ValidAudience = options.Value.Audience,
            IssuerSigningKey = signingKey.Key,
            // The token's header does not choose the algorithm: RFC 8725, section 3.1.
            ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
            LifetimeValidator = (notBefore, expires, _, _) => IsCurrent(notBefore, expires),
            NameClaimType = Identity.UsernameClaim,
            RoleClaimType = Identity.RoleClaim,
        };
    }

    public bool IsCurrent(DateTime? notBefore, DateTime? expires)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        return notBefore is { } from && expires is { } until && now >= from - ClockSkew && now < until + ClockSkew;
    }
}
