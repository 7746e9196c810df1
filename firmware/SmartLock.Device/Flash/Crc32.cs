namespace SmartLock.Device
{
    /// <summary>
    /// CRC-32 of IEEE 802.3 (reflected 04C11DB7, started and ended with all ones); nanoFramework's libraries have none. In a long, since
    /// nanoFramework's unsigned arithmetic is not to be leant on, and by half bytes: a table of 16 is enough for a kilobyte.
    /// </summary>
    internal static class Crc32
    {
        private const long AllOnes = 0xFFFFFFFFL;

        private static readonly long[] HalfBytes =
        {
            0x00000000L, 0x1DB71064L, 0x3B6E20C8L, 0x26D930ACL, 0x76DC4190L, 0x6B6B51F4L, 0x4DB26158L, 0x5005713CL,
            0xEDB88320L, 0xF00F9344L, 0xD6D6A3E8L, 0xCB61B38CL, 0x9B64C2B0L, 0x86D3D2D4L, 0xA00AE278L, 0xBDBDF21CL,
        };

        /// <summary>Of the first <paramref name="length"/> bytes; 0 to 2^32 - 1.</summary>
        public static long Of(byte[] bytes, int length)
        {
            long crc = AllOnes;
            for (int i = 0; i < length; i++)
            {
                crc ^= bytes[i];
                crc = (crc >> 4) ^ HalfBytes[(int)(crc & 15)];
                crc = (crc >> 4) ^ HalfBytes[(int)(crc & 15)];
            }

            return crc ^ AllOnes;
        }
    }
}
