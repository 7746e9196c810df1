using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.DataProtection;

namespace SmartLock.Server.Infrastructure;

internal static class InfrastructureFeature
{
    public static IServiceCollection AddInfrastructure(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton(DataFolder.Of(configuration));
        services.AddSingleton(typeof(Events<>));
        services.AddHostedService<FreeAddresses>();
        // Before all that opens something in the folder.
        if (HttpEndpoints.IsBroker(configuration))
        {
            services.AddHostedService<DataFolderLock>();
        }

        services.AddHostedService<ExposedFiles>();
        // Where its keys are kept is the store's to say.
        services.AddDataProtection().SetApplicationName("SmartLock");

        StartupLogFilter.AddTo(services);
        services.AddHttpEndpoints(configuration);
        services.AddTrustedProxies(configuration);
        services.AddValidatedOptions<ServerOptions>(ServerOptions.Section, ServerOptions.Check);
        services.ConfigureHttpJsonOptions(o => JsonDefaults.Apply(o.SerializerOptions));
        // Ours first: the first writer that can, writes.
        services.AddSingleton<IProblemDetailsWriter, ProblemWriter>();
        services.AddProblemDetails();
        services.AddValidation();
        services.AddSingleton<KnownQuery>();
        services.AddExceptionHandler<ExceptionProblems>();
        services.Configure<RouteHandlerOptions>(o => o.ThrowOnBadRequest = true);
        services.AddRateLimits();
        services.AddAuthorizationBuilder()
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
        services.AddHealthChecks();
        return services.AddApiDocs();
    }

    /// <summary>
    /// The order matters: that there is a request, and who the client is, before everything; errors around everything; who is asking before how often they may; both before whether they may.
    /// </summary>
    public static void UseInfrastructure(this WebApplication app)
    {
        app.Use(HttpConnection.CountRequestAsync);
        var warning = app.Services.GetRequiredService<UntrustedProxyWarning>();
        app.Use((context, next) =>
        {
            warning.Look(context);
            return next(context);
        });
        app.UseForwardedHeaders();
        app.UseSecurityHeaders();
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.Use(RequestCharset.CheckAsync);
        app.UseApiDocs();
        app.UseRouting();
        app.Use(HttpConnection.MarkLongLivedAsync);
        app.UseAuthentication();
        app.UseRateLimiter();
        app.UseUnmatchedRoutes();
        app.UseAuthorization();
        app.Use(app.Services.GetRequiredService<KnownQuery>().CheckAsync);
        app.UseOutputCache();
    }

    public static IEndpointRouteBuilder MapInfrastructure(this IEndpointRouteBuilder routes)
    {
        routes.MapHealth();
        routes.MapApiDocs();
        return routes;
    }

    /// <summary>
    /// The fallback policy would tell a stranger 401 where there is nothing at all. Routing's own refusals (405, 415) are endpoints
    /// without a route; everything with one goes on to be authorized.
    /// </summary>
    private static void UseUnmatchedRoutes(this WebApplication app) => app.Use((context, next) =>
    {
        switch (context.GetEndpoint())
        {
            case RouteEndpoint:
                return next(context);
            case { RequestDelegate: { } refuse }:
                return refuse(context);
            default:
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
        }
    });
}
