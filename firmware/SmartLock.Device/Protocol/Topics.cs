namespace SmartLock.Device
{
    public static class Topics
    {
        public const string Commands = "smartlock/commands";
        public const string Status = "smartlock/status";

        public const int MaxDeviceIdLength = 64;

        public static string CommandsOf(string deviceId)
        {
            return Commands + "/" + deviceId;
        }

        public static string StatusOf(string deviceId)
        {
            return Status + "/" + deviceId;
        }

        /// <summary>
        /// Whether an id can stand in a topic, in the line behind a broker login and in JSON as it is: 1 to 64 characters of visible ASCII, none of
        /// / + # | " \ in it.
        /// </summary>
        public static bool IsDeviceId(string value)
        {
            return IsPlainId(value, MaxDeviceIdLength) && value.IndexOf('/') < 0 && value.IndexOf('+') < 0 && value.IndexOf('#') < 0;
        }

        /// <summary>Visible ASCII without bar, quote and backslash.</summary>
        public static bool IsPlainId(string value, int maxLength)
        {
            if (value == null || value.Length == 0 || value.Length > maxLength)
            {
                return false;
            }

            for (int i = 0; i < value.Length; i++)
            {
                char c = value[i];
                if (c <= 0x20 || c > 0x7E || c == '|' || c == '"' || c == '\\')
                {
                    return false;
                }
            }

            return true;
        }
    }
}
