using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace SmartLock.Server.Messaging;

/// <summary>An outside broker whose list of logins can be written.</summary>
internal enum BrokerKind
{
    Mosquitto,
    Emqx,
}

/// <summary>
/// A device's login as a line of an outside broker's list: its id and a salted hash of its MQTT password, which cannot be had from it.
/// The password has 256 random bits, so the hash need not be slow.
/// </summary>
internal static class BrokerLoginLine
{
    /// <summary>What EMQX expects above the lines.</summary>
    public const string EmqxHeader = "user_id,password_hash,salt,is_superuser";

    private const int SaltBytes = 12;
    private const int MosquittoHashBytes = 64;

    /// <summary>mosquitto_passwd's own number.</summary>
    private const int MosquittoIterations = 101;

    public static string Of(BrokerKind broker, string deviceId, byte[] key)
    {
        var password = Signatures.MqttPassword(key, deviceId);
        return broker is BrokerKind.Emqx ? Emqx(deviceId, password) : Mosquitto(deviceId, password);
    }

    /// <summary>As mosquitto_passwd of version 2 writes it: PBKDF2 with HMAC-SHA-512.</summary>
    private static string Mosquitto(string deviceId, string password)
    {
        var salt = RandomNumberGenerator.GetBytes(SaltBytes);
        var hash = Rfc2898DeriveBytes.Pbkdf2(password, salt, MosquittoIterations, HashAlgorithmName.SHA512, MosquittoHashBytes);
        return string.Create(
            CultureInfo.InvariantCulture, $"{deviceId}:$7${MosquittoIterations}${Convert.ToBase64String(salt)}${Convert.ToBase64String(hash)}");
    }

    /// <summary>For its built-in database with SHA-256 and the salt as prefix.</summary>
    private static string Emqx(string deviceId, string password)
    {
        var salt = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SaltBytes));
        return $"{deviceId},{Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(salt + password)))},{salt},false";
    }
}
