using MongoDB.Bson.Serialization.Attributes;
using MongoDB.Driver;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>A device that waits for its owner, in <c>pairings</c>; <c>_id</c> is the device id.</summary>
internal sealed record PairingDocument : IMongoDocument<PairingDocument>
{
    public static string Collection => "pairings";

    public static IEnumerable<CreateIndexModel<PairingDocument>> Indexes => [];

    [BsonId]
    public required string DeviceId { get; init; }

    /// <summary>The device's key, encrypted.</summary>
    public required byte[] Key { get; init; }

    public required bool Unsigned { get; init; }

    public required byte[] CodeHash { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    public int WrongCodes { get; init; }

    /// <summary>How often an account gave a wrong code, by <see cref="MongoNames.HashOf"/> of its key.</summary>
    public Dictionary<string, int>? WrongBy { get; init; }

    public static PairingDocument Of(NewPairing pairing) => new()
    {
        DeviceId = pairing.DeviceId,
        Key = pairing.ProtectedKey,
        Unsigned = pairing.Unsigned,
        CodeHash = pairing.CodeHash,
        CreatedAt = pairing.CreatedAt,
        ExpiresAt = pairing.ExpiresAt,
    };

    public static FilterDefinition<PairingDocument> ById(string deviceId) => Builders<PairingDocument>.Filter.Eq(p => p.DeviceId, deviceId);

    public Pairing ToPairing() => new(DeviceId, Unsigned, CreatedAt, ExpiresAt, WrongCodes);
}
