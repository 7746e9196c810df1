using MongoDB.Driver;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>Tells the failures of the store from those of the program. Codes: src/mongo/base/error_codes.yml of the server.</summary>
internal static class MongoErrors
{
    private const int DuplicateKey = 11000;
    private const int WriteConflict = 112;

    /// <summary>A unique index refused the write: the race is lost, or the name is taken.</summary>
    public static bool IsDuplicateKey(Exception failure) => failure switch
    {
        MongoWriteException e => e.WriteError?.Code == DuplicateKey,
        MongoBulkWriteException e => e.WriteConcernError is null && e.WriteErrors.Count > 0 && e.WriteErrors.All(w => w.Code == DuplicateKey),
        MongoCommandException e => e.Code == DuplicateKey,
        _ => false,
    };

    /// <summary>Another write was in the way of this one, of which nothing was done.</summary>
    public static bool IsConflict(Exception failure) => failure switch
    {
        MongoWriteException e => e.WriteError?.Code == WriteConflict,
        MongoBulkWriteException e => e.WriteConcernError is null && e.WriteErrors.Count > 0 && e.WriteErrors.All(w => w.Code == WriteConflict),
        MongoCommandException e => e.Code == WriteConflict,
        _ => false,
    };

    /// <summary>
    /// A transaction that may get through when it runs again. A unique index refuses what the transaction's snapshot does not show; the next one
    /// shows it.
    /// </summary>
    public static bool IsRetryable(Exception failure) =>
        IsConflict(failure) || IsDuplicateKey(failure) || (failure is MongoException e && e.HasErrorLabel("TransientTransactionError"));

    /// <summary>All that failed of a bulk write lost a race; what of the rest was done can be seen in the documents only.</summary>
    public static bool IsLost(MongoBulkWriteException failure) =>
        failure.WriteConcernError is null && failure.WriteErrors.Count > 0 && failure.WriteErrors.All(w => w.Code is DuplicateKey or WriteConflict);

    public static bool IsUnavailable(Exception failure) => failure switch
    {
        TimeoutException or MongoConnectionException or MongoConnectionPoolPausedException or MongoWaitQueueFullException => true,
        MongoExecutionTimeoutException or MongoNotPrimaryException or MongoNodeIsRecoveringException or MongoWriteConcernException => true,
        MongoWriteException e => e.WriteError is null ? e.WriteConcernError is not null : IsUnavailable(e.WriteError.Code),
        MongoBulkWriteException e => e.WriteErrors.Count == 0 ? e.WriteConcernError is not null : e.WriteErrors.All(w => IsUnavailable(w.Code)),
        MongoCommandException e => IsUnavailable(e.Code),
        _ => false,
    };

    /// <summary>The driver's messages name hosts and users; the inner exception is for the log only.</summary>
    public static StoreUnavailableException ToUnavailable(Exception failure) => new(Describe(failure), failure);

    private static bool IsUnavailable(int code) => code is
        6 or 7 or 13 or 18 or 24 or 50 or 64 or 89 or 91 or WriteConflict or 133 or 189 or 202 or 262 or 314 or 8000 or 9001 or 10107 or 11600 or 11602 or 13388 or 13435 or 13436 or 14031;

    private static string Describe(Exception failure) => failure switch
    {
        MongoAuthenticationException or MongoCommandException { Code: 13 or 18 or 8000 } => "The store refuses this server's login or its rights (Storage:MongoDb:ConnectionString).",
        MongoCommandException { Code: 14031 } => "The disk that holds the store is full.",
        _ when IsConflict(failure) => "The store gave the write up in favour of others.",
        MongoWriteConcernException or MongoWriteException or MongoBulkWriteException => "The store could not make the write lasting in time.",
        _ => "The store does not answer (Storage:MongoDb:ConnectionString).",
    };
}
