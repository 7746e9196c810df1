namespace SmartLock.Device
{
    /// <summary>How a person types a value, and how JSON's other kinds are brought to that form.</summary>
    internal static class SettingText
    {
        public const string True = "true";
        public const string False = "false";

        /// <summary>For a pin that nothing is wired to; null in JSON.</summary>
        public const string None = "none";

        private const int MaxDigits = 5;

        /// <summary>-1 unless the text is 1 to 5 decimal digits, without a leading zero.</summary>
        public static int ToNumber(string text)
        {
            if (text.Length == 0 || text.Length > MaxDigits || (text[0] == '0' && text.Length > 1))
            {
                return -1;
            }

            int value = 0;
            for (int i = 0; i < text.Length; i++)
            {
                if (text[i] < '0' || text[i] > '9')
                {
                    return -1;
                }

                value = (value * 10) + (text[i] - '0');
            }

            return value;
        }

        public static string Of(long number)
        {
            return number.ToString();
        }

        public static string OfPin(int pin)
        {
            return pin == DeviceSettings.NoPin ? None : Of(pin);
        }
    }
}
