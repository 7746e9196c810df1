using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace SmartLock.Server.Accounts;

/// <summary>
/// The token that makes the first admin. It is opened by a start that finds no admin, is good for a day, and is kept nowhere but here, as a
/// hash: a restart makes another. Whether there is an admin by now, the store decides.
/// </summary>
internal sealed class FirstAdminSetup(TimeProvider clock)
{
    public static readonly TimeSpan ValidFor = TimeSpan.FromHours(24);

    private const int TokenBytes = 32;
    private readonly System.Threading.Lock _gate = new();
    private byte[]? _hash;
    private long _openedAt;

    public bool IsOpen
    {
        get
        {
            lock (_gate)
            {
                return IsValid();
            }
        }
    }

    /// <returns>The token, which nobody can ask for again.</returns>
    public string Open()
    {
        var token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));
        lock (_gate)
        {
            _hash = HashOf(token);
            _openedAt = clock.GetTimestamp();
        }

        return token;
    }

    public bool Accepts(string token)
    {
        lock (_gate)
        {
            return IsValid() && CryptographicOperations.FixedTimeEquals(HashOf(token), _hash);
        }
    }

    public void Close()
    {
        lock (_gate)
        {
            _hash = null;
        }
    }

    private bool IsValid() => _hash is not null && clock.GetElapsedTime(_openedAt) < ValidFor;

    private static byte[] HashOf(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
