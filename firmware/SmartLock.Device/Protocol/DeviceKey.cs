using System;
using System.Security.Cryptography;
using System.Text;

namespace SmartLock.Device
{
    /// <summary>A device's own 32-byte key: signs with HMAC-SHA256.</summary>
    public sealed class DeviceKey
    {
        public const int Length = 32;

        private readonly byte[] _bytes;

        private DeviceKey(byte[] bytes)
        {
            _bytes = bytes;
        }

        /// <summary>Null unless there are exactly 32 bytes. The array is copied.</summary>
        public static DeviceKey FromBytes(byte[] bytes)
        {
            if (bytes == null || bytes.Length != Length)
            {
                return null;
            }

            byte[] copy = new byte[Length];
            Array.Copy(bytes, copy, Length);
            return new DeviceKey(copy);
        }

        /// <summary>Null unless the text is 64 lowercase hexadecimal digits.</summary>
        public static DeviceKey FromHex(string text)
        {
            byte[] bytes = Hex.Decode(text, Length);
            return bytes == null ? null : new DeviceKey(bytes);
        }

        /// <summary>The text's MAC in lowercase hexadecimal.</summary>
        public string Sign(string text)
        {
            return Hex.Encode(Mac(Encoding.UTF8.GetBytes(text)));
        }

        /// <summary>
        /// The MAC of bytes. By the static method on purpose: nanoFramework's HMACSHA256 object keeps the caller's key array and
        /// clears it on Dispose, after which every MAC is one under a zero key.
        /// </summary>
        public byte[] Mac(byte[] data)
        {
            return HMACSHA256.HashData(_bytes, data);
        }

        /// <summary>Compares in a time that does not tell where the first difference is (nanoFramework has no FixedTimeEquals).</summary>
        public static bool Same(byte[] left, byte[] right)
        {
            if (left.Length != right.Length)
            {
                return false;
            }

            int difference = 0;
            for (int i = 0; i < left.Length; i++)
            {
                difference |= left[i] ^ right[i];
            }

            return difference == 0;
        }
    }
}
