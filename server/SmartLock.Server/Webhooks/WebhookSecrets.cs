using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.DataProtection;

namespace SmartLock.Server.Webhooks;

/// <summary>Makes webhooks' secrets, keeps them encrypted at rest, each bound to its webhook, and signs with them.</summary>
internal sealed class WebhookSecrets(IDataProtectionProvider provider)
{
    private const int SecretBytes = 32;

    public static byte[] NewSecret() => RandomNumberGenerator.GetBytes(SecretBytes);

    public byte[] Protect(string webhookId, byte[] secret) => ProtectorFor(webhookId).Protect(secret);

    /// <exception cref="CryptographicException">The stored secret was altered, or belongs to another webhook or installation.</exception>
    public byte[] Unprotect(string webhookId, byte[] protectedSecret) => ProtectorFor(webhookId).Unprotect(protectedSecret);

    /// <summary>Over the time as well as the body, so that a receiver can refuse a delivery that somebody recorded and plays again.</summary>
    public static string Sign(byte[] secret, string timestamp, byte[] body) =>
        $"v1={Convert.ToHexStringLower(HMACSHA256.HashData(secret, (byte[])[.. Encoding.ASCII.GetBytes(timestamp), (byte)'.', .. body]))}";

    private IDataProtector ProtectorFor(string webhookId) => provider.CreateProtector("SmartLock.WebhookSecret", webhookId);
}
