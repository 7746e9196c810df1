using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// What the MongoDB stores read and write through. The first use looks whether the server has transactions, brings a database of an older layout up
/// to date, and makes the indexes that are missing.
/// </summary>
internal sealed partial class MongoDatabase : IDisposable
{
    private const int MostAttempts = 20;
    private const int NamespaceExists = 48;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(30);

    private readonly Func<IEnumerable<IMongoSetup>> _setups;
    private readonly ILogger<MongoDatabase> _logger;
    private readonly MongoClient _client;
    private readonly SemaphoreSlim _opening = new(1);
    private volatile bool _isOpen;

    /// <param name="setups">Asked once, when the database is opened, and run in this order: their owners need this object first.</param>
    public MongoDatabase(
        MongoOptions options, Func<IEnumerable<IMongoSetup>> setups, AuditChain chain, TimeProvider time, ILogger<MongoDatabase> logger)
    {
        MongoConventions.Register();
        _setups = setups;
        _logger = logger;
        _client = new MongoClient(SettingsOf(options.ConnectionString));
        Raw = _client.GetDatabase(options.Database);
        Names = new MongoNames(this, chain);
        Transactions = new MongoTransactions(this, _client, new MongoChains(this, chain, time));
    }

    public IMongoDatabase Raw { get; }

    public MongoNames Names { get; }

    /// <summary>The hosts and ports of the connection string, without user or password.</summary>
    public string Servers => string.Join(", ", _client.Settings.Servers);

    /// <summary>Transactions that wait for their turn.</summary>
    public int QueuedWrites => Transactions.Waiting;

    public IMongoCollection<T> Collection<T>(string name) => Raw.GetCollection<T>(name);

    public IMongoCollection<BsonDocument> Collection(string name) => Raw.GetCollection<BsonDocument>(name);

    /// <param name="read">Reads, or a single guarded write outside of a transaction. Run again when its write lost to another in the store.</param>
    /// <exception cref="StoreUnavailableException">The store is away or refuses to serve; whether a write was made is then not known.</exception>
    public async Task<T> ReadAsync<T>(Func<CancellationToken, Task<T>> read, CancellationToken ct)
    {
        try
        {
            await EnsureOpenAsync(ct);
            for (var attempt = 1; ; attempt++)
            {
                try
                {
                    return await read(ct);
                }
                catch (Exception e) when (attempt < MostAttempts && MongoErrors.IsConflict(e))
                {
                    await MongoTransactions.PauseAsync(attempt, ct);
                }
            }
        }
        catch (Exception e) when (MongoErrors.IsUnavailable(e))
        {
            throw MongoErrors.ToUnavailable(e);
        }
    }

    /// <inheritdoc cref="ReadAsync{T}"/>
    public Task ReadAsync(Func<CancellationToken, Task> read, CancellationToken ct) =>
        ReadAsync(
            async token =>
            {
                await read(token);
                return true;
            },
            ct);

    /// <param name="work">
    /// Done as a whole or not at all, on one snapshot of the store. It runs again when another transaction was in its way, or when a unique index
    /// refused what it did not see: so it changes nothing but what it writes with the transaction's session.
    /// </param>
    /// <exception cref="StoreUnavailableException">The store is away or refuses to serve, or others were in the way too often.</exception>
    public Task<T> TransactAsync<T>(Func<MongoTransaction, Task<T>> work, CancellationToken ct) => TransactAsync([], work, ct);

    /// <inheritdoc cref="TransactAsync{T}(Func{MongoTransaction, Task{T}}, CancellationToken)"/>
    /// <param name="chain">
    /// The device id, or <see cref="AuditSubjects.Accounts"/>, that the work appends entries of: others of this process that do so wait for their turn.
    /// Without it they meet in the store, and wait for their turn when they run again.
    /// </param>
    public Task<T> TransactAsync<T>(string chain, Func<MongoTransaction, Task<T>> work, CancellationToken ct) => TransactAsync([chain], work, ct);

    /// <inheritdoc cref="TransactAsync{T}(string, Func{MongoTransaction, Task{T}}, CancellationToken)"/>
    /// <param name="turns">Chains, and accounts that the work touches; see <see cref="MongoTransaction.Turns"/>.</param>
    public async Task<T> TransactAsync<T>(IReadOnlyCollection<string> turns, Func<MongoTransaction, Task<T>> work, CancellationToken ct)
    {
        try
        {
            await EnsureOpenAsync(ct);
            return await Transactions.RunAsync(turns, work, ct);
        }
        catch (Exception e) when (MongoErrors.IsUnavailable(e))
        {
            throw MongoErrors.ToUnavailable(e);
        }
    }

    /// <summary>Nothing where it is there, from an earlier start or another replica's.</summary>
    public async Task MakeCollectionAsync(string name, CancellationToken ct)
    {
        try
        {
            await Raw.CreateCollectionAsync(name, null, ct);
        }
        catch (MongoCommandException e) when (e.Code == NamespaceExists)
        {
            return;
        }
    }

    /// <summary>For what runs while the database is being opened; see <see cref="IMongoSetup"/>.</summary>
    public MongoTransactions Transactions { get; }

    public void Dispose()
    {
        Transactions.Dispose();
        Names.Dispose();
        _client.Dispose();
        _opening.Dispose();
    }

    /// <summary>For what only reads: makes nothing. False when there is nothing to read.</summary>
    /// <exception cref="StartupException">Says in one sentence what to mend.</exception>
    /// <exception cref="StoreUnavailableException">The store is away or refuses to serve.</exception>
    public async Task<bool> OpenToReadAsync(CancellationToken ct)
    {
        try
        {
            if (!await (await Raw.ListCollectionNamesAsync(cancellationToken: ct)).AnyAsync(ct))
            {
                return false;
            }

            await OpenAsync(setup => setup.CheckAsync(ct), ct);
            return true;
        }
        catch (Exception e) when (MongoErrors.IsUnavailable(e))
        {
            throw MongoErrors.ToUnavailable(e);
        }
    }

    private Task EnsureOpenAsync(CancellationToken ct) => _isOpen ? Task.CompletedTask : OpenAsync(setup => setup.SetUpAsync(ct), ct);

    private async Task OpenAsync(Func<IMongoSetup, Task> prepare, CancellationToken ct)
    {
        await _opening.WaitAsync(ct);
        try
        {
            if (_isOpen)
            {
                return;
            }

            var hello = await Raw.RunCommandAsync<BsonDocument>(new BsonDocument("hello", 1), cancellationToken: ct);
            if (!HasTransactions(hello))
            {
                throw new StartupException(
                    $"The MongoDB server at {Servers} is no member of a replica set and so has no transactions: start it with --replSet rs0 and run rs.initiate() in mongosh once.");
            }

            foreach (var setup in _setups())
            {
                await prepare(setup);
            }

            _isOpen = true;
            LogOpened(Raw.DatabaseNamespace.DatabaseName);
        }
        finally
        {
            _opening.Release();
        }
    }

    /// <summary>A member of a replica set names it; what stands before a sharded cluster says so.</summary>
    internal static bool HasTransactions(BsonDocument hello) => hello.Contains("setName") || hello.GetValue("msg", "") == "isdbgrid";

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
