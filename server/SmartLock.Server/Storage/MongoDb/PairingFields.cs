namespace SmartLock.Server.Storage.MongoDb;

/// <summary>The fields of <see cref="LockFields.Pairing"/>.</summary>
internal static class PairingFields
{
    /// <summary>Again, for the index by which those that wait are listed.</summary>
    public const string DeviceId = "device_id";
    public const string Key = "key";
    public const string Unsigned = "unsigned";
    public const string CodeHash = "code_hash";
    public const string CreatedAt = "created_at";
    public const string ExpiresAt = "expires_at";
    public const string WrongCodes = "wrong_codes";

    /// <summary>Object: <see cref="MongoNames.HashOf"/> of an account's name, and how often it gave a wrong code.</summary>
    public const string WrongBy = "wrong_by";
}
