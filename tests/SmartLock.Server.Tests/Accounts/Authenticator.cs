using OtpNet;

namespace SmartLock.Server.Tests.Accounts;

/// <summary>An authenticator app: what it makes of a secret.</summary>
internal static class Authenticator
{
    private const int StepSeconds = 30;

    public static long StepAt(DateTimeOffset time) => time.ToUnixTimeSeconds() / StepSeconds;

    public static string CodeAt(byte[] secret, long step) =>
        new Totp(secret).ComputeTotp(DateTimeOffset.FromUnixTimeSeconds(step * StepSeconds).UtcDateTime);

    public static byte[] SecretOf(string base32) => Base32Encoding.ToBytes(base32);
}
