namespace SmartLock.Server.Messaging;

internal static class MessagingFeature
{
    public static IServiceCollection AddMessaging(this IServiceCollection services, IConfiguration configuration)
    {
        _ = configuration;
        return services;
    }
}
