using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.Repositories;
using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// The Data Protection keys in the store, for all replicas, encrypted under a key that comes of <c>Audit:Key</c>: whoever has a copy of the database and
/// nothing else cannot read the device keys in it. Data Protection asks for them without async, a few times a day.
/// </summary>
internal sealed class MongoKeyRing(MongoDatabase database, AuditChain chain, TimeProvider time) : IXmlRepository, IMongoSetup
{
    public const string Collection = "data_protection";

    /// <summary>The document that tells one audit key from another.</summary>
    private const string CheckId = "audit_key";

    private const string Purpose = "smartlock/data-protection/1";
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    /// <summary>Of the documents in <see cref="Collection"/>.</summary>
    public static FilterDefinition<BsonDocument> IsKey { get; } = Builders<BsonDocument>.Filter.Ne("_id", CheckId);

    private readonly IMongoCollection<BsonDocument> _keys = database.Collection(Collection);
    private readonly Lazy<byte[]> _key = new(() => chain.Derive(Purpose));

    /// <summary>No indexes; but every use of the store waits for this, and none is to be made with another audit key than the store's.</summary>
    /// <exception cref="StartupException">It is another.</exception>
    public async Task SetUpAsync(CancellationToken ct)
    {
        var mine = chain.Fingerprint;
        BsonDocument? stored;
        try
        {
            stored = await _keys.FindOneAndUpdateAsync(
                Builders<BsonDocument>.Filter.Eq("_id", CheckId),
                Builders<BsonDocument>.Update.SetOnInsert("value", mine),
                new FindOneAndUpdateOptions<BsonDocument> { IsUpsert = true, ReturnDocument = ReturnDocument.After },
                ct);
        }
        catch (MongoCommandException e) when (MongoErrors.IsDuplicateKey(e))
        {
            // Another server's first start came before.
            stored = await _keys.Find(Builders<BsonDocument>.Filter.Eq("_id", CheckId)).FirstAsync(ct);
        }

        Check(stored);
    }

    public async Task CheckAsync(CancellationToken ct)
    {
        if (await _keys.Find(Builders<BsonDocument>.Filter.Eq("_id", CheckId)).FirstOrDefaultAsync(ct) is { } stored)
        {
            Check(stored);
        }
    }

    private void Check(BsonDocument stored)
    {
        if (!CryptographicOperations.FixedTimeEquals(stored["value"].AsByteArray, chain.Fingerprint))
        {
            throw new StartupException(
                "The audit key of this server (Audit:Key, or audit.key in the data folder) is not the one that this database was begun with: give all servers on it the same.");
        }
    }

    public IReadOnlyCollection<XElement> GetAllElements() => [.. _keys.Find(IsKey).ToList().Select(Decrypt)];

    public void StoreElement(XElement element, string friendlyName) => _keys.InsertOne(Encrypt(element));

    private BsonDocument Encrypt(XElement element)
    {
        var id = Ids.NewUlid(time.GetUtcNow());
        var text = Encoding.UTF8.GetBytes(element.ToString(SaveOptions.DisableFormatting));
        var stored = new byte[NonceBytes + TagBytes + text.Length];
        var nonce = stored.AsSpan(0, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var cipher = new AesGcm(_key.Value, TagBytes);
        cipher.Encrypt(nonce, text, stored.AsSpan(NonceBytes + TagBytes), stored.AsSpan(NonceBytes, TagBytes), Encoding.UTF8.GetBytes(id));
        return new BsonDocument { { "_id", id }, { "encrypted", stored } };
    }

    /// <exception cref="CryptographicException">It was altered, or encrypted under another key. A new key in its place would make the device keys unreadable.</exception>
    private XElement Decrypt(BsonDocument document)
    {
        var stored = document["encrypted"].AsByteArray.AsSpan();
        var text = new byte[stored.Length - NonceBytes - TagBytes];
        using var cipher = new AesGcm(_key.Value, TagBytes);
        cipher.Decrypt(
            stored[..NonceBytes],
            stored[(NonceBytes + TagBytes)..],
            stored.Slice(NonceBytes, TagBytes),
            text,
            Encoding.UTF8.GetBytes(document["_id"].AsString));
        return XElement.Parse(Encoding.UTF8.GetString(text));
    }
}
