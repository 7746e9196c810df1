using MongoDB.Bson;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>Members that may be absent or null, which mean the same.</summary>
internal static class BsonReading
{
    public static string? TextOrNull(this BsonDocument document, string name) =>
        document.TryGetValue(name, out var value) && !value.IsBsonNull ? value.AsString : null;

    public static long? Int64OrNull(this BsonDocument document, string name) =>
        document.TryGetValue(name, out var value) && !value.IsBsonNull ? value.ToInt64() : null;

    public static int? Int32OrNull(this BsonDocument document, string name) =>
        document.TryGetValue(name, out var value) && !value.IsBsonNull ? value.ToInt32() : null;

    public static bool IsTrue(this BsonDocument document, string name) =>
        document.TryGetValue(name, out var value) && value.IsBoolean && value.AsBoolean;

    public static DateTimeOffset Time(this BsonDocument document, string name) => DateTimeOffset.FromUnixTimeMilliseconds(document[name].ToInt64());

    public static DateTimeOffset? TimeOrNull(this BsonDocument document, string name) =>
        document.Int64OrNull(name) is { } ms ? DateTimeOffset.FromUnixTimeMilliseconds(ms) : null;

    public static T Enum<T>(this BsonDocument document, string name)
        where T : struct, Enum => System.Enum.Parse<T>(document[name].AsString);
}
