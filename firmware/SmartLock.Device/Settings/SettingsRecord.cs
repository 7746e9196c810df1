using System;

namespace SmartLock.Device
{
    /// <summary>
    /// One record of the settings' two slots: "SLS1", sequence (8 bytes, big endian), length of the payload (2), the payload, and the
    /// CRC-32 of all that (4). No MAC: the key itself is in the payload, and who can write the flash has the board.
    /// </summary>
    internal sealed class SettingsRecord
    {
        private const int HeaderLength = 14;
        private const int CrcLength = 4;

        private SettingsRecord(long sequence, byte[] payload)
        {
            Sequence = sequence;
            Payload = payload;
        }

        public long Sequence { get; }

        /// <summary>JSON; empty once the settings were forgotten.</summary>
        public byte[] Payload { get; }

        public static byte[] Encode(long sequence, byte[] payload)
        {
            byte[] record = new byte[HeaderLength + payload.Length + CrcLength];
            record[0] = (byte)'S';
            record[1] = (byte)'L';
            record[2] = (byte)'S';
            record[3] = (byte)'1';
            WriteNumber(record, 4, 8, sequence);
            WriteNumber(record, 12, 2, payload.Length);
            Array.Copy(payload, 0, record, HeaderLength, payload.Length);
            int body = HeaderLength + payload.Length;
            WriteNumber(record, body, CrcLength, Crc32.Of(record, body));
            return record;
        }

        /// <summary>Null when the bytes are no whole record: cut short, with a tail of what stood there before, or decayed.</summary>
        public static SettingsRecord Decode(byte[] record)
        {
            if (record == null || record.Length < HeaderLength + CrcLength)
            {
                return null;
            }

            int length = record.Length - HeaderLength - CrcLength;
            int body = HeaderLength + length;
            bool whole = record[0] == 'S' && record[1] == 'L' && record[2] == 'S' && record[3] == '1'
                && ReadNumber(record, 12, 2) == length && ReadNumber(record, body, CrcLength) == Crc32.Of(record, body);
            if (!whole)
            {
                return null;
            }

            byte[] payload = new byte[length];
            Array.Copy(record, HeaderLength, payload, 0, length);
            return new SettingsRecord(ReadNumber(record, 4, 8), payload);
        }

        private static void WriteNumber(byte[] bytes, int offset, int width, long value)
        {
            for (int i = width - 1; i >= 0; i--)
            {
                bytes[offset + i] = (byte)(value & 255);
                value >>= 8;
            }
        }

        private static long ReadNumber(byte[] bytes, int offset, int width)
        {
            long value = 0;
            for (int i = 0; i < width; i++)
            {
                value = (value << 8) | bytes[offset + i];
            }

            return value;
        }
    }
}
