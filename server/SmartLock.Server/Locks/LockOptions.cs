namespace SmartLock.Server.Locks;

internal sealed class LockOptions
{
    public const string Section = "Locks";

    public int MaxPerOwner { get; set; } = 1_000;

    public static string? Check(LockOptions options) =>
        options.MaxPerOwner is >= 1 and <= 1_000_000 ? null : $"{Section}:MaxPerOwner must be between 1 and 1000000.";
}
