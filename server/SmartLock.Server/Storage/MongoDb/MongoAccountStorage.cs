using SmartLock.Server.Accounts;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>The stores of accounts and webhooks.</summary>
internal static class MongoAccountStorage
{
    public static IServiceCollection AddMongoAccounts(this IServiceCollection services) => services
        .AddMongoDocument<AccountGuardDocument>()
        .AddMongoDocument<UserDocument>()
        .AddMongoDocument<RetiredUserDocument>()
        .AddMongoDocument<SessionDocument>()
        .AddMongoDocument<WebhookDocument>()
        .AddMongoDocument<DeliveryDocument>()
        .AddSingleton<MongoUsers>()
        .AddSingleton<MongoAccountReads>()
        .AddSingleton<MongoSessions>()
        .AddSingleton<MongoWebhooks>()
        .AddSingleton<MongoClaims>()
        .AddSingleton<MongoForgetting>()
        .AddSingleton<MongoAccountDeletion>()
        .AddMongoStore<IUserStore, MongoUserStore>()
        .AddMongoStore<ISessionStore, MongoSessionStore>()
        .AddMongoStore<ISecondFactorStore, MongoSecondFactorStore>()
        .AddMongoStore<IWebhookStore, MongoWebhookStore>()
        .AddMongoStore<IDeliveryStore, MongoDeliveryStore>();
}
