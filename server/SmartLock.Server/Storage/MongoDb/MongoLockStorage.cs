using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

internal static class MongoLockStorage
{
    public static IServiceCollection AddMongoLocks(this IServiceCollection services) => services
        .AddMongoDocument<LockDocument>()
        .AddMongoDocument<PairingDocument>()
        .AddSingleton<MongoLocks>()
        .AddMongoStore<ILockStore, MongoLockStore>()
        .AddMongoStore<IShareStore, MongoShareStore>()
        .AddMongoStore<ILockAdminStore, MongoLockAdminStore>()
        .AddMongoStore<IPairingStore, MongoPairingStore>();
}
