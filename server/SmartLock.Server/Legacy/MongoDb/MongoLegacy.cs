using System.Runtime.CompilerServices;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Legacy.Import;

namespace SmartLock.Server.Legacy.MongoDb;

/// <summary>The first system's MongoDB database. Nothing is written to it.</summary>
internal sealed class MongoLegacy : ILegacyDatabase, IDisposable
{
    private static readonly TimeSpan AnswersWithin = TimeSpan.FromSeconds(10);
    private static readonly FilterDefinitionBuilder<BsonDocument> Filter = Builders<BsonDocument>.Filter;

    private readonly MongoClient _client;
    private readonly IMongoDatabase _database;

    private MongoLegacy(MongoClientSettings settings, string database)
    {
        _client = new MongoClient(settings);
        _database = _client.GetDatabase(database);
    }

    /// <exception cref="LegacyUnreadableException">The text is no connection string.</exception>
    public static MongoLegacy Open(string connectionString, string database)
    {
        try
        {
            var settings = MongoClientSettings.FromConnectionString(connectionString);
            settings.ApplicationName = "smartlock-import";
            settings.ServerSelectionTimeout = AnswersWithin;
            settings.ConnectTimeout = AnswersWithin;
            return new MongoLegacy(settings, database);
        }
        catch (Exception e) when (e is MongoException or ArgumentException or FormatException or TimeoutException)
        {
            // The driver's message repeats the string, and with it the password.
            throw new LegacyUnreadableException("That is not a MongoDB connection string, such as mongodb://localhost:27017.");
        }
    }

    /// <summary>Where it is, for telling it from this server's own store.</summary>
    public static string PlaceOf(string connectionString, string database) =>
        string.Join(',', new MongoUrlBuilder(connectionString).Servers.Select(s => s.ToString().ToUpperInvariant()).Order()) + "/" + database;

    public IAsyncEnumerable<LegacyUser> ReadUsersAsync(CancellationToken ct) => ReadAsync("users", Filter.Empty, UserOf, ct);

    public IAsyncEnumerable<LegacyLockRow> ReadLocksAsync(CancellationToken ct) =>
        ReadAsync("locks", Filter.Empty, d => new LegacyLockRow(Text(d, "_id"), Text(d, "name"), Text(d, "owner")), ct);

    public IAsyncEnumerable<LegacyCommandRow> ReadCommandsAsync(CancellationToken ct) => ReadAsync(
        "logs",
        Filter.Ne("action", BsonNull.Value),
        d => new LegacyCommandRow(IdOf(d), Time(d), Text(d, "device_id"), Text(d, "action"), Name(d, "user_id")),
        ct);

    public async Task<long> CountHeartbeatsAsync(CancellationToken ct)
    {
        try
        {
            return await _database.GetCollection<BsonDocument>("logs").CountDocumentsAsync(Filter.Eq("action", BsonNull.Value), cancellationToken: ct);
        }
        catch (Exception e) when (e is MongoException or TimeoutException)
        {
            throw Unreadable(e);
        }
    }

    public void Dispose() => _client.Dispose();

    private async IAsyncEnumerable<T> ReadAsync<T>(
        string collection, FilterDefinition<BsonDocument> filter, Func<BsonDocument, T> read, [EnumeratorCancellation] CancellationToken ct)
    {
        IAsyncCursor<BsonDocument> cursor;
        try
        {
            cursor = await _database.GetCollection<BsonDocument>(collection).Find(filter).Sort(Builders<BsonDocument>.Sort.Ascending("_id")).ToCursorAsync(ct);
        }
        catch (Exception e) when (e is MongoException or TimeoutException)
        {
            throw Unreadable(e);
        }

        using (cursor)
        {
            while (await MoveAsync(cursor, ct))
            {
                foreach (var document in cursor.Current)
                {
                    yield return read(document);
                }
            }
        }
    }

    private static async Task<bool> MoveAsync(IAsyncCursor<BsonDocument> cursor, CancellationToken ct)
    {
        try
        {
            return await cursor.MoveNextAsync(ct);
        }
        catch (Exception e) when (e is MongoException or TimeoutException or FormatException)
        {
            throw Unreadable(e);
        }
    }

    private static LegacyUser UserOf(BsonDocument document) => new(
        IdOf(document),
        document.GetValue("_id", BsonNull.Value) is BsonObjectId id ? new DateTimeOffset(id.Value.CreationTime, TimeSpan.Zero) : null,
        Text(document, "username"),
        Text(document, "password"),
        Text(document, "email"),
        document.GetValue("is_admin", BsonNull.Value) is BsonBoolean { Value: true });

    private static string IdOf(BsonDocument document) => document.GetValue("_id", BsonNull.Value).ToString()!;

    private static string? Text(BsonDocument document, string member) => document.GetValue(member, BsonNull.Value) is BsonString text ? text.Value : null;

    private static string? Name(BsonDocument document, string member) =>
        document.GetValue(member, BsonNull.Value) is BsonObjectId id ? id.ToString() : Text(document, member);

    /// <summary>It wrote a date; a text of ISO 8601 is taken as well.</summary>
    private static DateTimeOffset? Time(BsonDocument document) => document.GetValue("timestamp", BsonNull.Value) switch
    {
        BsonDateTime { IsValidDateTime: true } time => DateTimeOffset.FromUnixTimeMilliseconds(time.MillisecondsSinceEpoch),
        BsonString text when DateTimeOffset.TryParse(
            text.Value,
            System.Globalization.CultureInfo.InvariantCulture,
            System.Globalization.DateTimeStyles.AssumeUniversal | System.Globalization.DateTimeStyles.AdjustToUniversal,
            out var time) => time,
        _ => null,
    };

    /// <summary>The driver's messages name hosts and users: only what happened is told.</summary>
    private static LegacyUnreadableException Unreadable(Exception failure) => failure switch
    {
        MongoAuthenticationException or MongoCommandException { Code: 13 or 18 or 8000 } =>
            new("The first system's database refuses the login, or it may not read.", failure),
        TimeoutException or MongoConnectionException => new($"The first system's database does not answer within {AnswersWithin.TotalSeconds:0} seconds.", failure),
        _ => new($"The first system's database cannot be read ({failure.GetType().Name}).", failure),
    };
}
