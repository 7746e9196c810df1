using System.Security.Cryptography;
using System.Text;

namespace SmartLock.Device.Tests.Rig;

/// <summary>Writes commands as the server does.</summary>
internal sealed record ServerPen
{
    public string Key { get; init; } = LockRig.KeyHex;

    public string DeviceId { get; init; } = LockRig.DeviceId;

    public string Command { get; init; } = "UNLOCK";

    public string CommandId { get; init; } = "01JDXQZ8W3G5T7K9M2N4P6R8S0";

    public long IssuedAt { get; init; } = ManualClock.Start;

    public long ExpiresAt { get; init; } = ManualClock.Start + 10_000;

    /// <summary>Of the device's start that it is meant for.</summary>
    public string? Boot { get; init; }

    public byte[] Write() => Json(Signature).Bytes();

    public string Signature => Sign(Key, "v2|cmd|" + Members);

    private string Members =>
        $$"""{"device_id":"{{DeviceId}}","command":"{{Command}}","command_id":"{{CommandId}}",""" +
        $$""" "issued_at":{{IssuedAt}},"expires_at":{{ExpiresAt}},"boot":"{{Boot}}" """;

    public string Json(string signature) => $$"""{{Members}},"signature":"{{signature}}"}""";

    /// <summary>Signed whatever it is.</summary>
    /// <param name="members">Without the closing brace.</param>
    public static byte[] Signed(string keyHex, string purpose, string members) =>
        $$"""{{members}},"signature":"{{Sign(keyHex, purpose + members)}}"}""".Bytes();

    /// <summary>Whether a message ends in the signature that its bytes before that have under the key.</summary>
    public static bool IsSigned(string keyHex, string purpose, string message)
    {
        var members = message[..message.LastIndexOf(",\"signature\":", StringComparison.Ordinal)];
        return message == Encoding.ASCII.GetString(Signed(keyHex, purpose, members));
    }

    public static string Sign(string keyHex, string line) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Convert.FromHexString(keyHex), Encoding.ASCII.GetBytes(line)));
}
