using System.Linq.Expressions;
using MongoDB.Driver;

namespace SmartLock.Server.Storage.MongoDb;

internal static class MongoUpdates
{
    /// <summary>What is null is absent, which partial and sparse indexes count on.</summary>
    public static UpdateDefinition<T> SetOrUnset<T, TField>(this UpdateDefinition<T> update, Expression<Func<T, TField>> field, TField value) =>
        value is null ? update.Unset(new ExpressionFieldDefinition<T>(field)) : update.Set(field, value);
}
