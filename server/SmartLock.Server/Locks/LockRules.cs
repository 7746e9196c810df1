using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Locks;

/// <summary>What a new lock must look like. Pure.</summary>
internal static class LockRules
{
    public const int MaxDeviceIdLength = Topics.MaxDeviceIdLength;
    public const int MaxNameLength = 64;

    /// <summary>What <see cref="IsDeviceId"/> accepts, for the OpenAPI document.</summary>
    public const string DeviceIdPattern = "^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$";

    public const string DeviceIdRule =
        "must have 1 to 64 characters of A-Z, a-z, 0-9, dot, dash, underscore and colon, the first a letter or digit";

    /// <summary>
    /// Device ids stand in MQTT topics and in signed lines: no slash, plus or hash, which topics give a meaning to, and no bar,
    /// which parts a line's fields.
    /// </summary>
    public static bool IsDeviceId(string deviceId) =>
        deviceId.Length is >= 1 and <= MaxDeviceIdLength
        && char.IsAsciiLetterOrDigit(deviceId[0])
        && deviceId.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or ':' or '.' or '-');

    /// <summary>The members at fault with their messages; empty when the lock may be registered.</summary>
    public static IReadOnlyDictionary<string, string[]> Check(string deviceId, string? name, bool unsigned, bool allowUnsigned)
    {
        var errors = new Dictionary<string, string[]>();
        if (!IsDeviceId(deviceId))
        {
            errors["device_id"] = [DeviceIdRule];
        }

        if (TextRules.Check(name, MaxNameLength) is { } fault)
        {
            errors["name"] = [fault];
        }

        if (unsigned && !allowUnsigned)
        {
            errors["unsigned"] = ["is not allowed on this server (Devices:AllowUnsigned)"];
        }

        return errors;
    }
}
