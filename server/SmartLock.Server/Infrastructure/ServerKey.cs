using System.Security.Cryptography;

namespace SmartLock.Server.Infrastructure;

/// <summary>
/// A secret key of the server's: given by a setting, or a file in the data folder. Reading never makes the file; <see cref="Provide"/> does, and only
/// where nothing was written under a key before.
/// </summary>
/// <param name="setting">The setting's name, such as <c>Audit:Key</c>.</param>
/// <param name="given">Its value, base64; the file is not looked at when there is one.</param>
/// <param name="fileName">In the data folder.</param>
internal sealed class ServerKey(string setting, string? given, DataFolder folder, string fileName)
{
    public const int MinBytes = 32;

    /// <summary>32 random bytes hold some 30 different values; a phrase or a pattern holds fewer than this.</summary>
    private const int LeastDifferentBytes = 16;

    private readonly string _path = folder.File(fileName);
    private byte[]? _value;

    /// <exception cref="StartupException">The file is missing, cannot be read, or holds no key.</exception>
    public byte[] Value => _value ??= Read();

    private bool IsMissing => string.IsNullOrEmpty(given) && !File.Exists(_path);

    /// <summary>Makes the key where it is missing.</summary>
    /// <param name="written">What the store holds that was written under the key, such as "log entries"; null for nothing.</param>
    /// <exception cref="StartupException">It is missing and the store holds such data; or it cannot be read or written.</exception>
    public void Provide(string? written)
    {
        if (IsMissing)
        {
            if (written is not null)
            {
                throw new StartupException(
                    $"The key {_path} is missing, and the store holds {written} made under it: restore the file from a backup, or set {setting} to the "
                    + "key. No new key is made beside old data.");
            }

            Make();
        }

        _ = Value;
    }

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

    private void Make()
    {
        folder.Make();
        try
        {
            PrivateFile.ReadOrCreate(_path, () => Convert.ToBase64String(RandomNumberGenerator.GetBytes(MinBytes)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"The key {_path} cannot be written.", e);
        }
    }

    private byte[] Read()
    {
        if (!string.IsNullOrEmpty(given))
        {
            return Decode(given) ?? throw new StartupException($"The key in {setting} is weak.");
        }

        try
        {
            return Decode(File.ReadAllText(_path).Trim()) ?? throw new StartupException($"{_path} does not hold a key: restore it from a backup.");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new StartupException($"The key {_path} is missing: restore it from a backup, or set {setting} to the key.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"The key {_path} cannot be read.", e);
        }
    }
}
