using MongoDB.Bson;
using MongoDB.Driver;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>What <see cref="LockFields.Pairing"/> holds.</summary>
internal static class MongoPairing
{
    private static readonly FilterDefinitionBuilder<BsonDocument> Filter = Builders<BsonDocument>.Filter;

    /// <summary>Null when the device does not wait, nor has waited in vain.</summary>
    public static Pairing? Of(BsonDocument found)
    {
        if (!found.TryGetValue(LockFields.Pairing, out var value))
        {
            return null;
        }

        var pairing = value.AsBsonDocument;
        return new Pairing(
            found[LockFields.Id].AsString,
            pairing[PairingFields.Unsigned].AsBoolean,
            pairing.Time(PairingFields.CreatedAt),
            pairing.Time(PairingFields.ExpiresAt),
            pairing[PairingFields.WrongCodes].ToInt32());
    }

    public static BsonDocument ToBson(NewPairing pairing) => new()
    {
        { PairingFields.DeviceId, pairing.DeviceId },
        { PairingFields.Key, pairing.ProtectedKey },
        { PairingFields.Unsigned, pairing.Unsigned },
        { PairingFields.CodeHash, pairing.CodeHash },
        { PairingFields.CreatedAt, pairing.CreatedAt.ToUnixTimeMilliseconds() },
        { PairingFields.ExpiresAt, pairing.ExpiresAt.ToUnixTimeMilliseconds() },
        { PairingFields.WrongCodes, 0 },
    };

    public static string Field(string name) => $"{LockFields.Pairing}.{name}";

    /// <summary>Where it is counted how often the account gave a wrong code for the device.</summary>
    public static string WrongBy(string username) => Field($"{PairingFields.WrongBy}.{MongoNames.HashOf(MongoNames.KeyOf(username))}");

    public static int WrongCodesOf(BsonDocument found, string username)
    {
        var counts = found[LockFields.Pairing].AsBsonDocument.GetValue(PairingFields.WrongBy, new BsonDocument()).AsBsonDocument;
        return counts.Int32OrNull(MongoNames.HashOf(MongoNames.KeyOf(username))) ?? 0;
    }

    /// <summary>The device waits (<see cref="PairingRules.IsOpen"/>), and the account may still try.</summary>
    public static FilterDefinition<BsonDocument> MayTry(LockChange change) =>
        Filter.Eq(LockFields.Id, change.DeviceId)
            & Filter.Eq(LockFields.Deleted, true)
            & Filter.Gt(Field(PairingFields.ExpiresAt), change.Now.ToUnixTimeMilliseconds())
            & Filter.Lt(Field(PairingFields.WrongCodes), PairingRules.MaxWrongCodes)
            & Filter.Not(Filter.Gte(WrongBy(change.Actor), PairingRules.MaxWrongCodesOfOne));
}
