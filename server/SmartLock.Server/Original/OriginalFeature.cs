using SmartLock.Server.Infrastructure;
using SmartLock.Server.Original.Import;

namespace SmartLock.Server.Original;

/// <summary>
/// The first SmartLock system's routes, on this one's rules and stores: docs/migrate-original.md. Nothing else knows of them, so that this
/// folder can go when nobody needs it any more.
/// </summary>
internal static class OriginalFeature
{
    public static IServiceCollection AddOriginal(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddValidatedOptions<OriginalOptions>(OriginalOptions.Section, _ => null);
        services.AddSingleton<LockImport>().AddSingleton<OriginalImport>();
        if (!OriginalOptions.IsEnabled(configuration))
        {
            return services;
        }

        // Ahead of the writer for everything else: the first that can, writes.
        services.Insert(0, ServiceDescriptor.Singleton<IProblemDetailsWriter, OriginalErrors>());
        return services.AddSingleton<MatcherPolicy, QueryCommandPolicy>();
    }

    public static void MapOriginal(this WebApplication app)
    {
        if (!OriginalOptions.IsEnabled(app.Configuration))
        {
            return;
        }

        var routes = app.MapGroup("").WithMetadata(OriginalRoute.Instance);
        OriginalAccounts.Map(routes);
        OriginalLocks.Map(routes);
        OriginalCommands.Map(routes);
    }
}

/// <summary>Marks the routes whose errors are in the first system's form.</summary>
internal sealed class OriginalRoute
{
    public static readonly OriginalRoute Instance = new();
}
