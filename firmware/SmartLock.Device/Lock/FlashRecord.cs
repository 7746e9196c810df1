using System;

namespace SmartLock.Device
{
    /// <summary>
    /// One record of the two-slot memory: "SLK2", then big endian the sequence (8 bytes), the greatest issued_at seen (8), the newest
    /// trusted time (8), 1 if older records were lost or 0 (1), issued_at (8) and verdict (1) of the last command that was accepted, the
    /// length of its id (1), the id, and the MAC of all that under the device's key. A record cut short, decayed, or of another key (whose
    /// commands this key does not accept either) does not decode.
    /// </summary>
    internal sealed class FlashRecord
    {
        private const string Mark = "SLK2";
        private const int HeaderLength = 39;

        public long Sequence { get; set; }

        /// <summary>Unix milliseconds; 0 before the first command.</summary>
        public long Greatest { get; set; }

        /// <summary>Unix milliseconds; 0 before the first.</summary>
        public long TrustedTime { get; set; }

        /// <summary>It followed on a loss that no set clock had made good yet.</summary>
        public bool IsIncomplete { get; set; }

        /// <summary>
        /// Null before the first command that was accepted. Verdict None: accepted, but the power went before the bolt's answer was known.
        /// </summary>
        public Decision Decision { get; set; }

        public byte[] Encode(DeviceKey key)
        {
            string id = Decision == null ? "" : Decision.CommandId;
            byte[] body = new byte[HeaderLength + id.Length];
            for (int i = 0; i < Mark.Length; i++)
            {
                body[i] = (byte)Mark[i];
            }

            WriteLong(body, 4, Sequence);
            WriteLong(body, 12, Greatest);
            WriteLong(body, 20, TrustedTime);
            body[28] = (byte)(IsIncomplete ? 1 : 0);
            if (Decision != null)
            {
                WriteLong(body, 29, Decision.IssuedAt);
                body[37] = (byte)(int)Decision.Verdict;
            }

            body[38] = (byte)id.Length;
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
            if (!IsMarked(body) || body[38] != body.Length - HeaderLength || !DeviceKey.Same(key.Mac(body), mac))
            {
                return null;
            }

            return new FlashRecord
            {
                Sequence = ReadLong(body, 4),
                Greatest = ReadLong(body, 12),
                TrustedTime = ReadLong(body, 20),
                IsIncomplete = body[28] != 0,
                Decision = ReadDecision(body),
            };
        }

        private static bool IsMarked(byte[] body)
        {
            for (int i = 0; i < Mark.Length; i++)
            {
                if (body[i] != Mark[i])
                {
                    return false;
                }
            }

            return true;
        }

        private static Decision ReadDecision(byte[] body)
        {
            char[] id = new char[body.Length - HeaderLength];
            for (int i = 0; i < id.Length; i++)
            {
                id[i] = (char)body[HeaderLength + i];
            }

            return id.Length == 0 ? null : new Decision(new string(id), ReadLong(body, 29), (Verdict)body[37]);
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
