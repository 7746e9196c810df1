using System;
using System.Text;

namespace SmartLock.Device
{
    /// <summary>
    /// Draws the 16 hexadecimal digits that tell one start of the device from every other. A board has no generator that is random enough
    /// by itself: the MAC of a number that each start has for itself makes them differ, and nobody without the key foresees them.
    /// </summary>
    internal static class BootId
    {
        private const int Bytes = 8;

        public static string Draw(DeviceKey key, long start, IChance chance, IClock clock)
        {
            string drawn = "v2|boot|" + start.ToString() + "|" + clock.UnixMs.ToString() + "|" + clock.UptimeMs.ToString();
            for (int i = 0; i < Bytes; i++)
            {
                drawn += "|" + chance.Below(256).ToString();
            }

            byte[] first = new byte[Bytes];
            byte[] mac = key.Mac(Encoding.UTF8.GetBytes(drawn));
            Array.Copy(mac, first, Bytes);
            return Hex.Encode(first);
        }
    }
}
