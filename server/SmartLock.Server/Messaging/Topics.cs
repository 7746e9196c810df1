namespace SmartLock.Server.Messaging;

/// <summary>The device protocol's topics. Every device understands the shared ones; a device that said so has its own.</summary>
internal static class Topics
{
    /// <summary>Characters; device ids are ASCII (LockRules.IsDeviceId).</summary>
    public const int MaxDeviceIdLength = 64;

    public const string Commands = "smartlock/commands";
    public const string Status = "smartlock/status";

    /// <summary>Both the shared topic (<c>#</c> matches its parent) and every device's own.</summary>
    public const string AllStatuses = "smartlock/status/#";

    /// <summary>Between the server's replicas; nobody else can read it.</summary>
    public const string Events = "smartlock/events";

    public static string CommandsOf(string deviceId) => $"{Commands}/{deviceId}";

    public static string StatusOf(string deviceId) => $"{Status}/{deviceId}";
}
