using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

/// <summary>What access tokens are signed with: <c>Jwt:SigningKey</c>, or a key that the first start makes.</summary>
internal sealed class SigningKey
{
    private const string FileName = "jwt-signing.key";

    /// <summary>32 random bytes hold some 30 different values; a phrase or a pattern holds fewer than this.</summary>
    private const int LeastDifferentBytes = 16;

    public SigningKey(IOptions<JwtOptions> options, DataFolder folder)
    {
        Key = new SymmetricSecurityKey(
            string.IsNullOrEmpty(options.Value.SigningKey) ? Load(folder.File(FileName)) : Decode(options.Value.SigningKey)!);
    }

    public SymmetricSecurityKey Key { get; }

    /// <summary>The key's bytes, or null when the text is not base64 or the key is weak.</summary>
    public static byte[]? Decode(string text)
    {
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length)
            && length >= JwtOptions.MinKeyBytes
            && bytes.Take(length).Distinct().Count() >= LeastDifferentBytes
                ? bytes[..length]
                : null;
    }

    private static byte[] Load(string path)
    {
        try
        {
            var text = PrivateFile.ReadOrCreate(path, () => Convert.ToBase64String(RandomNumberGenerator.GetBytes(JwtOptions.MinKeyBytes)));
            return Decode(text.Trim()) ?? throw new StartupException($"{path} does not hold a signing key; delete it to have a new one made.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"The signing key {path} cannot be read or written.", e);
        }
    }
}
