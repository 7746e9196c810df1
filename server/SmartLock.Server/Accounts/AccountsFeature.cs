using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Quartz;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

internal static class AccountsFeature
{
    public static IServiceCollection AddAccounts(this IServiceCollection services)
    {
        services.AddBearerAuthentication();
        services.AddValidatedOptions<AccountOptions>("Accounts", AccountOptions.Check);
        services.AddOptions<PasswordHasherOptions>()
            .Configure<IOptions<AccountOptions>>((hasher, accounts) => hasher.IterationCount = accounts.Value.PasswordIterations);
        services.AddSingleton<PasswordHasher<User>>();
        services.AddSingleton<IPasswordHasher<User>, BCrypt.VersionedPasswordHasher>();
        services.AddSingleton<Passwords>();
        services.AddSingleton<LoginThrottle>();
        services.AddSingleton<RevocationWatcher>();
        services.AddSingleton<Registration>();
        services.AddSingleton<SignIn>();
        services.AddSingleton<SecondFactors>();
        services.AddSingleton<PasswordChange>();
        services.AddSingleton<FirstAdminSetup>();
        services.AddSingleton<Sessions>();
        services.AddSingleton<SessionExpiry>();
        services.AddQuartz(quartz => quartz.ScheduleJob<SessionExpiry>(trigger => trigger
            .WithIdentity("session-expiry")
            .WithSimpleSchedule(schedule => schedule.WithInterval(SessionExpiry.Every).RepeatForever())));
        return services;
    }

    public static IEndpointRouteBuilder MapAccounts(this IEndpointRouteBuilder routes)
    {
        var auth = routes.MapGroup("/api/auth").WithTags("Accounts").AllowAnonymous().RequireRateLimiting(RateLimits.Auth);
        AccountEndpoints.Map(auth);
        SessionEndpoints.MapAuth(auth);
        var me = routes.MapGroup("/api/me").WithTags("Accounts");
        ProfileEndpoints.Map(me);
        SessionEndpoints.MapMe(me);
        SecondFactorEndpoints.Map(me);
        UserAdminEndpoints.Map(routes);
        FirstAdminEndpoints.Map(routes, auth);
        return routes;
    }
}
