using System.Security.Cryptography;

namespace SmartLock.Server.Infrastructure;

/// <summary>A secret key of the server's: given by a setting, or made by the first start and kept in the data folder.</summary>
internal static class ServerKey
{
    public const int MinBytes = 32;

    /// <summary>32 random bytes hold some 30 different values; a phrase or a pattern holds fewer than this.</summary>
    private const int LeastDifferentBytes = 16;

    /// <param name="setting">Base64; the file is not looked at when it is given.</param>
    /// <exception cref="StartupException">The file cannot be read or written, or holds no key.</exception>
    public static byte[] Load(string? setting, string file) =>
        string.IsNullOrEmpty(setting) ? ReadOrMake(file) : Decode(setting) ?? throw new StartupException("A key in the settings is weak.");

    /// <summary>The key's bytes, or null when the text is not base64 or the key is weak.</summary>
    public static byte[]? Decode(string text)
    {
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length)
            && length >= MinBytes
            && bytes.Take(length).Distinct().Count() >= LeastDifferentBytes
                ? bytes[..length]
                : null;
    }

    /// <summary>What is wrong with a setting that may hold a key, or null.</summary>
    public static string? Check(string name, string? setting) =>
        string.IsNullOrEmpty(setting) || Decode(setting) is not null
            ? null
            : $"{name} must be base64 of at least {MinBytes} random bytes; `openssl rand -base64 32` makes one.";

    private static byte[] ReadOrMake(string path)
    {
        try
        {
            var text = PrivateFile.ReadOrCreate(path, () => Convert.ToBase64String(RandomNumberGenerator.GetBytes(MinBytes)));
            return Decode(text.Trim()) ?? throw new StartupException($"{path} does not hold a key: restore it from a backup. Deleting it has a new one made.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"The key {path} cannot be read or written.", e);
        }
    }
}
