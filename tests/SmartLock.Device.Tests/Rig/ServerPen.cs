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

    public byte[] Write() => Json(Signature).Bytes();

    public string Signature => Sign(Key, $"v1|cmd|{DeviceId}|{Command}|{CommandId}|{IssuedAt}|{ExpiresAt}");

    public string Json(string signature) =>
        $$"""{"device_id":"{{DeviceId}}","command":"{{Command}}","command_id":"{{CommandId}}",""" +
        $$""" "issued_at":{{IssuedAt}},"expires_at":{{ExpiresAt}},"signature":"{{signature}}"}""";

    public static string Sign(string keyHex, string line) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Convert.FromHexString(keyHex), Encoding.ASCII.GetBytes(line)));
}
