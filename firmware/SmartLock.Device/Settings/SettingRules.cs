namespace SmartLock.Device
{
    /// <summary>What one setting's value, as text, must look like. No answer holds any part of a value: two of them are secrets.</summary>
    internal static class SettingRules
    {
        private const int MaxHostLength = 253;
        private const int MaxLabelLength = 63;

        /// <summary>What is wrong with it; null for nothing.</summary>
        public static string Check(int setting, string text)
        {
            if (SettingNames.IsPin(setting))
            {
                return text == SettingText.None ? null : PinRules.Check(setting, SettingText.ToNumber(text));
            }

            switch (setting)
            {
                case SettingNames.WifiSsid:
                    return IsPrintable(text, 1, 32) ? null : "must be 1 to 32 characters of printable ASCII";
                case SettingNames.WifiPassword:
                    return IsPrintable(text, 8, 63) || text.Length == 0 || IsHex64(text)
                        ? null
                        : "must be 8 to 63 characters of printable ASCII, or 64 hexadecimal digits";
                case SettingNames.Host:
                    return IsHost(text) ? null : "must be a host name or an IPv4 address";
                case SettingNames.Port:
                    int port = SettingText.ToNumber(text);
                    return port >= 1 && port <= 65535 ? null : "must be 1 to 65535";
                case SettingNames.Tls:
                    return text == SettingText.True || text == SettingText.False ? null : "must be true or false";
                case SettingNames.DeviceId:
                    return Topics.IsDeviceId(text) ? null : "must be 1 to 64 visible ASCII characters without / + # | \" \\";
                default:
                    return DeviceKey.FromHex(text) != null ? null : "must be 64 lowercase hexadecimal digits";
            }
        }

        private static bool IsPrintable(string text, int minLength, int maxLength)
        {
            if (text.Length < minLength || text.Length > maxLength)
            {
                return false;
            }

            for (int i = 0; i < text.Length; i++)
            {
                if (text[i] < 0x20 || text[i] > 0x7E)
                {
                    return false;
                }
            }

            return true;
        }

        private static bool IsHex64(string text)
        {
            if (text.Length != 64)
            {
                return false;
            }

            for (int i = 0; i < text.Length; i++)
            {
                char c = text[i];
                if (!IsDigit(c) && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F'))
                {
                    return false;
                }
            }

            return true;
        }

        /// <summary>RFC 1123 2.1; a name whose last label is all digits can only be meant as an address.</summary>
        private static bool IsHost(string text)
        {
            if (text.Length == 0 || text.Length > MaxHostLength)
            {
                return false;
            }

            int labels = 0;
            int numbers = 0;
            bool lastIsNumber = false;
            int start = 0;
            for (int i = 0; i <= text.Length; i++)
            {
                if (i < text.Length && text[i] != '.')
                {
                    continue;
                }

                if (!IsLabel(text, start, i))
                {
                    return false;
                }

                labels++;
                lastIsNumber = IsDigits(text, start, i);
                numbers += IsOctet(text, start, i) ? 1 : 0;
                start = i + 1;
            }

            return !lastIsNumber || (labels == 4 && numbers == 4);
        }

        private static bool IsLabel(string text, int start, int end)
        {
            if (end == start || end - start > MaxLabelLength || text[start] == '-' || text[end - 1] == '-')
            {
                return false;
            }

            for (int i = start; i < end; i++)
            {
                char c = text[i];
                if (!IsDigit(c) && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '-')
                {
                    return false;
                }
            }

            return true;
        }

        private static bool IsDigits(string text, int start, int end)
        {
            for (int i = start; i < end; i++)
            {
                if (!IsDigit(text[i]))
                {
                    return false;
                }
            }

            return true;
        }

        /// <summary>0 to 255; without leading zeros, which some readers take for octal.</summary>
        private static bool IsOctet(string text, int start, int end)
        {
            if (end - start > 3 || !IsDigits(text, start, end) || (text[start] == '0' && end - start > 1))
            {
                return false;
            }

            int value = 0;
            for (int i = start; i < end; i++)
            {
                value = (value * 10) + (text[i] - '0');
            }

            return value <= 255;
        }

        private static bool IsDigit(char c)
        {
            return c >= '0' && c <= '9';
        }
    }
}
