using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace SmartLock.Server.Tests.MainJob;

/// <summary>Says what a device or the server would say, with the key of the device; the protocol's signatures are made here once more.</summary>
internal static class Forger
{
    /// <summary>Signed with the device's key, and newer than anything that the device itself has said.</summary>
    public static string StatusOf(Door door, string status, string? issue, string? commandId, string? result)
    {
        var sentAt = TimeProvider.System.GetUtcNow().AddSeconds(5).ToUnixTimeMilliseconds();
        return Signed(door, "v2|sts|", JsonSerializer.Serialize(new
        {
            device_id = door.DeviceId,
            status,
            issue,
            sent_at = sentAt,
            connected_at = 1,
            command_id = commandId,
            result,
        }));
    }

    public static string CommandFor(Door door)
    {
        var issuedAt = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var expiresAt = issuedAt + 60_000;
        var id = Guid.NewGuid().ToString("N");
        return Signed(door, "v2|cmd|", JsonSerializer.Serialize(new
        {
            device_id = door.DeviceId,
            command = "UNLOCK",
            command_id = id,
            issued_at = issuedAt,
            expires_at = expiresAt,
            boot = door.Device.Boot,
        }));
    }

    /// <param name="json">Of one object.</param>
    private static string Signed(Door door, string purpose, string json) =>
        $$"""{{json[..^1]}},"signature":"{{Sign(door, purpose + json[..^1])}}"}""";

    public static string Sign(Door door, string line) => Convert.ToHexStringLower(HMACSHA256.HashData(door.Key, Encoding.ASCII.GetBytes(line)));
}
