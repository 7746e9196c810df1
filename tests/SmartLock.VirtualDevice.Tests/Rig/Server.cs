using System.Text;
using SmartLock.Device;

namespace SmartLock.VirtualDevice.Tests.Rig;

/// <summary>Issues commands as the server does.</summary>
internal static class Server
{
    public static readonly DeviceKey Key = DeviceKey.FromHex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");

    private static long _lastIssued;

    public static byte[] Unlock(VirtualLock device, TimeProvider time, string id) => Command(device.DeviceId, Key, "UNLOCK", id, time, device.Boot);

    public static byte[] Command(string deviceId, DeviceKey key, string command, string id, TimeProvider time, string boot)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var issuedAt = time == TimeProvider.System ? Strictly(now) : now;
        return Encoding.UTF8.GetBytes(SignedMessage.Sign(
            key,
            SignedMessage.Command,
            $$"""{"device_id":"{{deviceId}}","command":"{{command}}","command_id":"{{id}}",""" +
            $$""" "issued_at":{{issuedAt}},"expires_at":{{issuedAt + 10_000}},"boot":"{{boot}}" """));
    }

    /// <summary>Each issued_at greater than the one before.</summary>
    private static long Strictly(long now)
    {
        while (true)
        {
            var last = Interlocked.Read(ref _lastIssued);
            var next = Math.Max(now, last + 1);
            if (Interlocked.CompareExchange(ref _lastIssued, next, last) == last)
            {
                return next;
            }
        }
    }
}
