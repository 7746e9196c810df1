using MongoDB.Driver;

namespace SmartLock.Server.Storage.MongoDb;

internal sealed class MongoOptions
{
    public const string Section = "Storage:MongoDb";

    private const int LongestName = 63;

    /// <summary>A connection string of MongoDB's, with the password if there is one: never to be shown.</summary>
    public string ConnectionString { get; set; } = "mongodb://localhost:27017";

    public string Database { get; set; } = "smartlock";

    public static string? Check(MongoOptions options) => options switch
    {
        _ when !IsReadable(options.ConnectionString) =>
            $"{Section}:ConnectionString must be a MongoDB connection string, such as mongodb://localhost:27017 or mongodb+srv://user:password@cluster.example.net.",
        _ when !IsName(options.Database) =>
            $"{Section}:Database must be a name of 1 to {LongestName} letters, digits, hyphens and underscores.",
        _ => null,
    };

    /// <summary>The driver's own message would repeat the string, and with it the password.</summary>
    private static bool IsReadable(string connectionString)
    {
        try
        {
            _ = new MongoUrlBuilder(connectionString);
            return true;
        }
        catch (MongoConfigurationException)
        {
            return false;
        }
    }

    private static bool IsName(string name) =>
        name.Length is > 0 and <= LongestName && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
}
