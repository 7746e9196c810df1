using SmartLock.Server.Infrastructure;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace SmartLock.Server.Accounts;

internal static class AccountsFeature
{
    public static IServiceCollection AddAccounts(this IServiceCollection services)
    {
        services.AddBearerAuthentication();
        services.AddValidatedOptions<AccountOptions>("Accounts", AccountOptions.Check);
        services.AddOptions<PasswordHasherOptions>()
            .Configure<IOptions<AccountOptions>>((hasher, accounts) => hasher.IterationCount = accounts.Value.PasswordIterations);
        services.AddSingleton<IPasswordHasher<User>, PasswordHasher<User>>();
        services.AddSingleton<Passwords>();
        services.AddSingleton<LoginSlowdown>();
        services.AddSingleton<SessionEnds>();
        services.AddSingleton<Registration>();
        services.AddSingleton<SignIn>();
        return services;
    }

    public static IEndpointRouteBuilder MapAccounts(this IEndpointRouteBuilder routes)
    {
        AccountEndpoints.Map(routes);
        return routes;
    }
}
