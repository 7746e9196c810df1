using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.IdentityModel.JsonWebTokens;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

internal static class BearerAuthentication
{
    private const string Prefix = "Bearer ";

    public static IServiceCollection AddBearerAuthentication(this IServiceCollection services)
    {
        services.AddValidatedOptions<JwtOptions>("Jwt", JwtOptions.Check);
        services.AddSingleton<SigningKey>();
        services.AddHostedService(provider => provider.GetRequiredService<SigningKey>());
        services.AddSingleton<AccessTokens>();
        services.AddSingleton<TokenCache>();
        services.AddSingleton<SessionCache>();
        services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer();
        services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme)
            .Configure<AccessTokens>((bearer, tokens) =>
            {
                tokens.Configure(bearer);
                bearer.Events = new JwtBearerEvents { OnMessageReceived = AdmitKnownAsync, OnTokenValidated = AdmitNewAsync };
            });
        // The handler logs refused tokens in full, and an attempt with a wrong one is nothing to log.
        services.AddLogging(logging => logging.AddFilter(typeof(JwtBearerHandler).FullName, LogLevel.None));
        return services;
    }

    /// <summary>A token that was good before; any other is left to the handler, which checks it.</summary>
    private static Task AdmitKnownAsync(MessageReceivedContext context)
    {
        var known = context.Request.Headers.Authorization is [{ } header] && header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)
            ? context.HttpContext.RequestServices.GetRequiredService<TokenCache>().Find(header.AsSpan(Prefix.Length).Trim())
            : null;
        return known is null ? Task.CompletedTask : AdmitAsync(context, known);
    }

    private static Task AdmitNewAsync(TokenValidatedContext context)
    {
        var tokens = context.HttpContext.RequestServices.GetRequiredService<TokenCache>();
        return AdmitAsync(context, context.SecurityToken is JsonWebToken token ? tokens.Add(token) : null);
    }

    /// <summary>
    /// A good token of a session that has ended, or of an account that is gone or disabled, is refused; name and role are those of the account now.
    /// </summary>
    private static async Task AdmitAsync(ResultContext<JwtBearerOptions> context, CachedToken? token)
    {
        var accounts = context.HttpContext.RequestServices.GetRequiredService<SessionCache>();
        if (token is null
            || await accounts.FindAsync(token.SessionId, context.HttpContext.RequestAborted) is not { } account
            || !account.Username.Equals(token.Username, StringComparison.OrdinalIgnoreCase))
        {
            context.Fail("The session has ended.");
            return;
        }

        context.Principal = new ClaimsPrincipal(new ClaimsIdentity(
            [
                new(Identity.UsernameClaim, account.Username),
                new(Identity.RoleClaim, account.Role.ToString()),
                new(Identity.ExpiryClaim, token.Expiry),
                new(Identity.SessionClaim, account.SessionId),
            ],
            context.Scheme.Name,
            Identity.UsernameClaim,
            Identity.RoleClaim));
        context.Success();
    }
}
