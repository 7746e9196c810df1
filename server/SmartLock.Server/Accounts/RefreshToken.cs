using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace SmartLock.Server.Accounts;

/// <summary>32 random bytes in base64url. With so much chance in it a fast hash keeps it as well as a slow one.</summary>
internal static class RefreshToken
{
    private const int Bytes = 32;
    private const int Characters = 43;

    public static string New() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes));

    /// <summary>What is stored of it; null for a text that no token has.</summary>
    public static byte[]? HashOf(string text) =>
        text.Length == Characters && Base64Url.IsValid(text) ? SHA256.HashData(Encoding.ASCII.GetBytes(text)) : null;
}
