using System.Security.Cryptography;
using System.Text;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Tests.Attacks;

/// <summary>A command whose every field an attacker may choose.</summary>
internal sealed record ForgedCommand(string DeviceId, string Action, string Id, long IssuedAt, long ExpiresAt, string Signature)
{
    /// <summary>The six members as JSON texts, in the order in which the server writes them.</summary>
    public (string Name, string Value)[] Members =>
    [
        ("device_id", $"\"{DeviceId}\""),
        ("command", $"\"{Action}\""),
        ("command_id", $"\"{Id}\""),
        ("issued_at", IssuedAt.ToString(System.Globalization.CultureInfo.InvariantCulture)),
        ("expires_at", ExpiresAt.ToString(System.Globalization.CultureInfo.InvariantCulture)),
        ("signature", $"\"{Signature}\""),
    ];

    /// <summary>Rightly signed by whoever has the key.</summary>
    public static ForgedCommand Signed(byte[] key, string deviceId, string action, string id, long issuedAt, long expiresAt) =>
        new(deviceId, action, id, issuedAt, expiresAt, Signatures.Command(key, deviceId, action, id, issuedAt, expiresAt));

    public static byte[] Write(IEnumerable<(string Name, string Value)> members) =>
        Encoding.UTF8.GetBytes($"{{{string.Join(',', members.Select(m => $"\"{m.Name}\":{m.Value}"))}}}");

    public static string RandomSignature() => RandomNumberGenerator.GetHexString(Signatures.HexLength, lowercase: true);

    public byte[] Write() => Write(Members);
}
