using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;

namespace SmartLock.Server.Messaging;

/// <summary>Makes device keys and keeps them encrypted at rest, each bound to its device id.</summary>
internal sealed class DeviceKeys(IDataProtectionProvider provider)
{
    public const int KeyBytes = 32;

    public static byte[] NewKey() => RandomNumberGenerator.GetBytes(KeyBytes);

    public byte[] Protect(string deviceId, byte[] key) => ProtectorFor(deviceId).Protect(key);

    /// <exception cref="CryptographicException">The stored key was altered, or belongs to another device or installation.</exception>
    public byte[] Unprotect(string deviceId, byte[] protectedKey) => ProtectorFor(deviceId).Unprotect(protectedKey);

    private IDataProtector ProtectorFor(string deviceId) => provider.CreateProtector("SmartLock.DeviceKey", deviceId);
}
