using SmartLock.Server.Locks;
using SmartLock.Server.Webhooks;

namespace SmartLock.Server.Storage.MongoDb;

internal static class MongoLockStorage
{
    public static IServiceCollection AddMongoLocks(this IServiceCollection services) => services
        .AddMongoDocument<LockDocument>()
        .AddMongoDocument<PairingDocument>()
        .AddSingleton<MongoLocks>()
        .AddSingleton<MongoAccountReads>()
        .AddMongoStore<ILockStore, MongoLockStore>()
        .AddMongoStore<IShareStore, MongoShareStore>()
        .AddMongoStore<ILockAdminStore, MongoLockAdminStore>()
        .AddMongoStore<IPairingStore, MongoPairingStore>()
        .AddMongoPart<MongoWebhooks>()
        .AddSingleton<MongoBacklog>()
        .AddMongoPart<MongoWebhookTidy>()
        .AddSingleton<MongoAttempts>()
        .AddSingleton<MongoClaims>()
        .AddMongoStore<IWebhookStore, MongoWebhookStore>()
        .AddMongoStore<IDeliveryStore, MongoDeliveryStore>();
}
