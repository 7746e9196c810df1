using System.Security.Claims;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

internal static class BearerAuthentication
{
    public static IServiceCollection AddBearerAuthentication(this IServiceCollection services)
    {
        services.AddValidatedOptions<JwtOptions>("Jwt", JwtOptions.Check);
        services.AddSingleton<SigningKey>();
        services.AddSingleton<AccessTokens>();
        services.AddSingleton<ActiveAccounts>();
        services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer();
        services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme)
            .Configure<AccessTokens>((bearer, tokens) =>
            {
                tokens.Configure(bearer);
                bearer.Events = new JwtBearerEvents { OnTokenValidated = AdmitAsync };
            })
            // An unreadable key ends the start, not the first request.
            .ValidateOnStart();
        // The handler logs refused tokens in full, and an attempt with a wrong one is nothing to log.
        services.AddLogging(logging => logging.AddFilter(typeof(JwtBearerHandler).FullName, LogLevel.None));
        return services;
    }

    /// <summary>
    /// A good token of a session that has ended, or of an account that is gone or disabled, is refused; name and role are those of the account now.
    /// </summary>
    private static async Task AdmitAsync(TokenValidatedContext context)
    {
        var accounts = context.HttpContext.RequestServices.GetRequiredService<ActiveAccounts>();
        var name = context.Principal?.FindFirstValue(Identity.UsernameClaim);
        var sessionId = context.Principal?.FindFirstValue(Identity.SessionClaim);
        if (name is null
            || sessionId is null
            || await accounts.FindAsync(sessionId, context.HttpContext.RequestAborted) is not { } account
            || !account.Username.Equals(name, StringComparison.OrdinalIgnoreCase))
        {
            context.Fail("The session has ended.");
            return;
        }

        context.Principal = new ClaimsPrincipal(new ClaimsIdentity(
            [
                new(Identity.UsernameClaim, account.Username),
                new(Identity.RoleClaim, account.Role.ToString()),
                new(Identity.ExpiryClaim, context.Principal!.FindFirstValue(Identity.ExpiryClaim)!),
                new(Identity.SessionClaim, account.SessionId),
            ],
            context.Scheme.Name,
            Identity.UsernameClaim,
            Identity.RoleClaim));
    }
}
