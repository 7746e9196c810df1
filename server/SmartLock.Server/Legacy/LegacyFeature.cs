using SmartLock.Server.Infrastructure;
using SmartLock.Server.Legacy.Import;

namespace SmartLock.Server.Legacy;

/// <summary>
/// The first SmartLock system's routes, on this one's rules and stores: docs/migrate-original.md. Nothing else knows of them, so that this
/// folder can go when nobody needs it any more.
/// </summary>
internal static class LegacyFeature
{
    public static IServiceCollection AddLegacy(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddValidatedOptions<LegacyOptions>(LegacyOptions.Section, _ => null);
        services.AddSingleton<LockImport>().AddSingleton<LegacyImport>();
        if (!LegacyOptions.IsEnabled(configuration))
        {
            return services;
        }

        // Ahead of the writer for everything else: the first that can, writes.
        services.Insert(0, ServiceDescriptor.Singleton<IProblemDetailsWriter, LegacyErrors>());
        return services.AddSingleton<MatcherPolicy, QueryCommandPolicy>();
    }

    public static void MapLegacy(this WebApplication app)
    {
        if (!LegacyOptions.IsEnabled(app.Configuration))
        {
            return;
        }

        var routes = app.MapGroup("").WithMetadata(LegacyRoute.Instance);
        LegacyAccounts.Map(routes);
        LegacyLocks.Map(routes);
        LegacyCommands.Map(routes);
    }
}

/// <summary>Marks the routes whose errors are in the first system's form.</summary>
internal sealed class LegacyRoute
{
    public static readonly LegacyRoute Instance = new();
}
