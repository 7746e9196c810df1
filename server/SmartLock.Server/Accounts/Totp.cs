using OtpNet;

namespace SmartLock.Server.Accounts;

/// <summary>
/// Codes of authenticator apps: RFC 6238 with the parameters that every app supports, which are HMAC-SHA-1, six digits and steps of 30 s.
/// </summary>
internal static class Totp
{
    public const int SecretBytes = 20;

    /// <summary>
    /// No code that was used lies so many steps (five minutes) ahead of one that matches now, but one that was used before the clock was set back: held to
    /// that, the account would be locked out until then.
    /// </summary>
    public const long FarthestStep = 10;

    private const int Digits = 6;
    private const int StepSeconds = 30;

    /// <summary>One step either way: for a clock that is off by up to 30 s, and for the time that typing takes.</summary>
    private static readonly VerificationWindow Window = new(previous: 1, future: 1);

    /// <summary>The time step that the code belongs to; null when it matches none within the window.</summary>
    public static long? Match(byte[] secret, string code, DateTimeOffset now)
    {
        var totp = new OtpNet.Totp(secret, StepSeconds, OtpHashMode.Sha1, Digits);

        // Otp.NET compares every character of a candidate whatever the first difference, so the time taken does not tell how much of a code
        // is right. It does not remember codes: the store refuses a step that was used before.
        return totp.VerifyTotp(now.UtcDateTime, code, out var step, Window) ? step : null;
    }

    /// <summary>The otpauth URI, which an authenticator app reads from a QR code.</summary>
    public static string UriOf(byte[] secret, string username, string issuer) =>
        new OtpUri(OtpType.Totp, secret, username, issuer, OtpHashMode.Sha1, Digits, StepSeconds).ToString();

    /// <summary>For people to type. 20 bytes need no padding.</summary>
    public static string TextOf(byte[] secret) => Base32Encoding.ToString(secret);
}
