using MongoDB.Bson;
using MongoDB.Driver;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>What the MongoDB stores read and write through. The first use makes the indexes that are missing.</summary>
internal sealed partial class MongoDatabase : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(30);

    private readonly Func<IEnumerable<IMongoIndexes>> _indexes;
    private readonly ILogger<MongoDatabase> _logger;
    private readonly MongoClient _client;
    private readonly SemaphoreSlim _opening = new(1);
    private volatile bool _isOpen;

    /// <param name="indexes">Asked once, when the database is opened: their owners need this object first.</param>
    public MongoDatabase(MongoOptions options, Func<IEnumerable<IMongoIndexes>> indexes, ILogger<MongoDatabase> logger)
    {
        _indexes = indexes;
        _logger = logger;
        _client = new MongoClient(SettingsOf(options.ConnectionString));
        Raw = _client.GetDatabase(options.Database);
    }

    public IMongoDatabase Raw { get; }

    /// <summary>The hosts and ports of the connection string, without user or password.</summary>
    public string Servers => string.Join(", ", _client.Settings.Servers);

    public IMongoCollection<BsonDocument> Collection(string name) => Raw.GetCollection<BsonDocument>(name);

    /// <param name="work">Run again when its write lost to another in the store: one call of the driver, or several that do no harm when they are repeated.</param>
    /// <exception cref="Infrastructure.StoreUnavailableException">The store is away or refuses to serve; whether a write was made is then not known.</exception>
    public async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken ct)
    {
        try
        {
            if (!_isOpen)
            {
                await OpenAsync(ct);
            }

            return await MongoConflicts.RetryAsync(work, ct);
        }
        catch (Exception e) when (MongoErrors.IsUnavailable(e))
        {
            throw MongoErrors.ToUnavailable(e);
        }
    }

    /// <inheritdoc cref="RunAsync{T}"/>
    public Task RunAsync(Func<CancellationToken, Task> work, CancellationToken ct) =>
        RunAsync(
            async token =>
            {
                await work(token);
                return true;
            },
            ct);

    public void Dispose()
    {
        _client.Dispose();
        _opening.Dispose();
    }

    private async Task OpenAsync(CancellationToken ct)
    {
        await _opening.WaitAsync(ct);
        try
        {
            if (_isOpen)
            {
                return;
            }

            foreach (var indexes in _indexes())
            {
                await indexes.CreateAsync(ct);
            }

            _isOpen = true;
            LogOpened(Raw.DatabaseNamespace.DatabaseName);
        }
        finally
        {
            _opening.Release();
        }
    }

    /// <summary>
    /// Majority and journal: what was acknowledged outlives the loss of a member, and nothing is decided on what may be rolled back. What the
    /// connection string says of times goes before.
    /// </summary>
    private static MongoClientSettings SettingsOf(string connectionString)
    {
        var url = new MongoUrlBuilder(connectionString);
        var settings = MongoClientSettings.FromConnectionString(connectionString);
        settings.ApplicationName ??= "smartlock";
        settings.WriteConcern = WriteConcern.WMajority.With(journal: true, wTimeout: LongestAnswer);
        settings.ReadConcern = ReadConcern.Majority;
        settings.ReadPreference = ReadPreference.Primary;
        settings.ServerSelectionTimeout = IsGiven("serverSelectionTimeout") ? url.ServerSelectionTimeout : Patience;
        settings.ConnectTimeout = IsGiven("connectTimeout") ? url.ConnectTimeout : Patience;
        settings.SocketTimeout = IsGiven("socketTimeout") ? url.SocketTimeout : LongestAnswer;
        settings.WaitQueueTimeout = IsGiven("waitQueueTimeout") ? url.WaitQueueTimeout : Patience;
        return settings;

        bool IsGiven(string option) => connectionString.Contains($"{option}MS=", StringComparison.OrdinalIgnoreCase)
            || connectionString.Contains($"{option}=", StringComparison.OrdinalIgnoreCase);
    }

    [LoggerMessage(2101, LogLevel.Information, "Store: MongoDB, database {Name}.")]
    private partial void LogOpened(string name);
}
