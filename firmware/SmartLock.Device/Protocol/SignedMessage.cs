using System;

namespace SmartLock.Device
{
    /// <summary>
    /// A message's signature: its last member, the MAC of a purpose and of the message's own bytes before that member. So every member
    /// is covered, whoever put it there, and a message is verified before anything in it is read.
    /// </summary>
    public static class SignedMessage
    {
        public const string Command = "v2|cmd|";
        public const string Status = "v2|sts|";
        public const string Will = "v2|will|";

        /// <summary>What stands between the signed bytes and the signature's digits.</summary>
        public const string Tail = ",\"signature\":\"";

        private const int DigitsLength = 2 * DeviceKey.Length;
        private const string End = "\"}";

        /// <summary>The whole message.</summary>
        /// <param name="purpose">One of the three above.</param>
        /// <param name="members">One JSON object in ASCII without its closing brace.</param>
        public static string Sign(DeviceKey key, string purpose, string members)
        {
            return members + Tail + key.Sign(purpose + members) + End;
        }

        /// <summary>False also for a message whose last member is anything but a signature in this very form.</summary>
        public static bool IsSigned(DeviceKey key, string purpose, byte[] message)
        {
            int signed = message == null ? 0 : message.Length - Tail.Length - DigitsLength - End.Length;
            if (signed <= 0 || message.Length > FlatJsonReader.MaxBytes
                || !Has(message, signed, Tail) || !Has(message, message.Length - End.Length, End))
            {
                return false;
            }

            byte[] data = new byte[purpose.Length + signed];
            for (int i = 0; i < purpose.Length; i++)
            {
                data[i] = (byte)purpose[i];
            }

            Array.Copy(message, 0, data, purpose.Length, signed);
            byte[] claimed = Hex.Decode(Digits(message, signed + Tail.Length), DeviceKey.Length);
            return claimed != null && DeviceKey.Same(key.Mac(data), claimed);
        }

        /// <summary>What a device logs in with at its broker.</summary>
        public static string MqttPassword(DeviceKey key, string deviceId)
        {
            return key.Sign("v1|mqtt|" + deviceId);
        }

        private static bool Has(byte[] message, int offset, string text)
        {
            for (int i = 0; i < text.Length; i++)
            {
                if (message[offset + i] != text[i])
                {
                    return false;
                }
            }

            return true;
        }

        private static string Digits(byte[] message, int offset)
        {
            char[] digits = new char[DigitsLength];
            for (int i = 0; i < digits.Length; i++)
            {
                digits[i] = (char)message[offset + i];
            }

            return new string(digits);
        }
    }
}
