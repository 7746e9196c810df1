using System;

namespace SmartLock.Device
{
    /// <summary>
    /// One record of the two-slot memory: "SLK1", sequence (8 bytes, big endian), issued_at (8), verdict (1), length of the command
    /// id (1), the id, and the MAC of all that under the device's key. A record cut short, decayed, or of another key (whose commands
    /// this key does not accept either) does not decode.
    /// </summary>
    internal sealed class FlashRecord
    {
        private const int HeaderLength = 22;

        private FlashRecord(long sequence, Decision decision)
        {
            Sequence = sequence;
            Decision = decision;
        }

        public long Sequence { get; }

        /// <summary>Verdict None: accepted, but the power went before the bolt's answer was known.</summary>
        public Decision Decision { get; }

        public static byte[] Encode(DeviceKey key, long sequence, Decision decision)
        {
            string id = decision.CommandId;
            byte[] body = new byte[HeaderLength + id.Length];
            body[0] = (byte)'S';
            body[1] = (byte)'L';
            body[2] = (byte)'K';
            body[3] = (byte)'1';
            WriteLong(body, 4, sequence);
            WriteLong(body, 12, decision.IssuedAt);
            body[20] = (byte)(int)decision.Verdict;
            body[21] = (byte)id.Length;
            for (int i = 0; i < id.Length; i++)
            {
                body[HeaderLength + i] = (byte)id[i];
            }

            byte[] record = new byte[body.Length + DeviceKey.Length];
            Array.Copy(body, record, body.Length);
            Array.Copy(key.Mac(body), 0, record, body.Length, DeviceKey.Length);
            return record;
        }

        /// <summary>Null when the bytes are no record of this key.</summary>
        public static FlashRecord Decode(DeviceKey key, byte[] record)
        {
            if (record == null || record.Length < HeaderLength + DeviceKey.Length)
            {
                return null;
            }

            byte[] body = new byte[record.Length - DeviceKey.Length];
            byte[] mac = new byte[DeviceKey.Length];
            Array.Copy(record, body, body.Length);
            Array.Copy(record, body.Length, mac, 0, mac.Length);
            bool whole = body[0] == 'S' && body[1] == 'L' && body[2] == 'K' && body[3] == '1'
                && body[21] == body.Length - HeaderLength && DeviceKey.Same(key.Mac(body), mac);
            if (!whole)
            {
                return null;
            }

            char[] id = new char[body.Length - HeaderLength];
            for (int i = 0; i < id.Length; i++)
            {
                id[i] = (char)body[HeaderLength + i];
            }

            Decision decision = new Decision(new string(id), ReadLong(body, 12), (Verdict)body[20]);
            return new FlashRecord(ReadLong(body, 4), decision);
        }

        private static void WriteLong(byte[] bytes, int offset, long value)
        {
            for (int i = 7; i >= 0; i--)
            {
                bytes[offset + i] = (byte)(value & 255);
                value >>= 8;
            }
        }

        private static long ReadLong(byte[] bytes, int offset)
        {
            long value = 0;
            for (int i = 0; i < 8; i++)
            {
                value = (value << 8) | bytes[offset + i];
            }

            return value;
        }
    }
}
