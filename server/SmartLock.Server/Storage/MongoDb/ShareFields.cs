namespace SmartLock.Server.Storage.MongoDb;

/// <summary>The fields of an element of <see cref="LockFields.Shares"/>.</summary>
internal static class ShareFields
{
    public const string Username = "username";
    public const string NameKey = "name_key";
    public const string Role = "role";
    public const string From = "from";
    public const string Until = "until";
    public const string CreatedAt = "created_at";
}
