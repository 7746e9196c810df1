namespace SmartLock.Device
{
    /// <summary>The settings by number, in the order in which they are shown and stored. Their names are those of the JSON.</summary>
    internal static class SettingNames
    {
        public const int WifiSsid = 0;
        public const int WifiPassword = 1;
        public const int Host = 2;
        public const int Port = 3;
        public const int Tls = 4;
        public const int DeviceId = 5;
        public const int Key = 6;
        public const int LockedLightPin = 7;
        public const int UnlockedLightPin = 8;
        public const int BoltPin = 9;
        public const int ButtonPin = 10;
        public const int DoorPin = 11;
        public const int BatteryPin = 12;
        public const int Count = 13;

        /// <summary>What is longer is no slip of the pen but a value in the wrong place, a key perhaps: it is not repeated.</summary>
        private const int MaxShownName = 32;

        private static readonly string[] Names =
        {
            "wifi_ssid", "wifi_password", "host", "port", "tls", "device_id", "key",
            "locked_light_pin", "unlocked_light_pin", "bolt_pin", "button_pin", "door_pin", "battery_pin",
        };

        public static string Of(int setting)
        {
            return Names[setting];
        }

        /// <summary>-1 when no setting has that name.</summary>
        public static int Find(string name)
        {
            for (int i = 0; i < Count; i++)
            {
                if (Names[i] == name)
                {
                    return i;
                }
            }

            return -1;
        }

        /// <summary>The error about a name that is none of them.</summary>
        public static string Unknown(string name)
        {
            return (name.Length > MaxShownName ? "a long name" : name) + ": there is no such setting";
        }

        public static bool IsSecret(int setting)
        {
            return setting == WifiPassword || setting == Key;
        }

        public static bool IsPin(int setting)
        {
            return setting >= LockedLightPin;
        }

        /// <summary>Those without which no lock works. Without a Wi-Fi password the network is an open one.</summary>
        public static bool IsRequired(int setting)
        {
            return setting == WifiSsid || setting == Host || setting == DeviceId || setting == Key;
        }
    }
}
