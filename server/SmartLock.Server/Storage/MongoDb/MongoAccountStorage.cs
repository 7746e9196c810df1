using SmartLock.Server.Accounts;

namespace SmartLock.Server.Storage.MongoDb;

internal static class MongoAccountStorage
{
    public static IServiceCollection AddMongoAccounts(this IServiceCollection services) => services
        .AddMongoPart<MongoUsers>()
        .AddMongoPart<MongoAdmins>()
        .AddMongoPart<MongoSessions>()
        .AddMongoPart<MongoAccountDeletion>()
        .AddSingleton<MongoAccountChanges>()
        .AddSingleton<MongoErasure>()
        .AddSingleton<MongoRotation>()
        .AddSingleton<MongoHousekeeping>()
        .AddMongoStore<IUserStore, MongoUserStore>()
        .AddMongoStore<ISessionStore, MongoSessionStore>()
        .AddMongoStore<ISecondFactorStore, MongoSecondFactorStore>();
}
