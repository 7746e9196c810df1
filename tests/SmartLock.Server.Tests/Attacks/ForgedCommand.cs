using System.Security.Cryptography;
using System.Text;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Tests.Attacks;

/// <summary>A command whose every field an attacker may choose.</summary>
internal sealed record ForgedCommand(string DeviceId, string Action, string Id, long IssuedAt, long ExpiresAt, string Boot, string Signature)
{
    /// <summary>The seven members as JSON texts, in the order in which the server writes them.</summary>
    public (string Name, string Value)[] Members => [.. Unsigned, ("signature", $"\"{Signature}\"")];

    private (string Name, string Value)[] Unsigned =>
    [
        ("device_id", $"\"{DeviceId}\""),
        ("command", $"\"{Action}\""),
        ("command_id", $"\"{Id}\""),
        ("issued_at", IssuedAt.ToString(System.Globalization.CultureInfo.InvariantCulture)),
        ("expires_at", ExpiresAt.ToString(System.Globalization.CultureInfo.InvariantCulture)),
        ("boot", $"\"{Boot}\""),
    ];

    /// <summary>Rightly signed by whoever has the key.</summary>
    public static ForgedCommand Signed(byte[] key, string deviceId, string action, string id, long issuedAt, long expiresAt, string boot)
    {
        var command = new ForgedCommand(deviceId, action, id, issuedAt, expiresAt, boot, "");
        var message = Encoding.UTF8.GetString(Sign(key, command.Unsigned));
        return command with { Signature = message[^(Signatures.HexLength + 2)..^2] };
    }

    /// <summary>Whatever it is, rightly signed.</summary>
    public static byte[] Sign(byte[] key, IEnumerable<(string Name, string Value)> members) =>
        Signatures.Sign(key, Signatures.ForCommand, Write(members.Where(m => m.Name != "signature")).AsSpan()[..^1]);

    public static byte[] Write(IEnumerable<(string Name, string Value)> members) =>
        Encoding.UTF8.GetBytes($"{{{string.Join(',', members.Select(m => $"\"{m.Name}\":{m.Value}"))}}}");

    public static string RandomSignature() => RandomNumberGenerator.GetHexString(Signatures.HexLength, lowercase: true);

    public byte[] Write() => Write(Members);
}
