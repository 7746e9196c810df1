namespace SmartLock.Device
{
    /// <summary>
    /// All that one board is told at its set-up: the network, the server, who it is, and what is wired to which pin. Holds two
    /// secrets, the Wi-Fi password and the device's key.
    /// </summary>
    public sealed class DeviceSettings
    {
        /// <summary>For a pin that nothing is wired to.</summary>
        public const int NoPin = -1;

        public const int DefaultPort = 1883;
        public const int DefaultTlsPort = 8883;

        public const int DefaultLockedLightPin = 26;
        public const int DefaultUnlockedLightPin = 27;

        /// <summary>The set-up's serial port, which must stay reachable whatever is set.</summary>
        public const int SetupReceivePin = 32;
        public const int SetupTransmitPin = 33;

        /// <summary>1 to 32 characters of printable ASCII.</summary>
        public string WifiSsid { get; set; }

        /// <summary>8 to 63 characters of printable ASCII, 64 hexadecimal digits, or empty for an open network.</summary>
        public string WifiPassword { get; set; } = "";

        /// <summary>The MQTT broker's host name or IPv4 address.</summary>
        public string Host { get; set; }

        public int Port { get; set; } = DefaultPort;

        /// <summary>TLS with the one authority in <c>I:\ca.pem</c>.</summary>
        public bool Tls { get; set; }

        public string DeviceId { get; set; }

        /// <summary>64 lowercase hexadecimal digits.</summary>
        public string Key { get; set; }

        /// <summary>
        /// The red light's pin. Here and below: a GPIO of the classic ESP32, not 6 to 11 (flash), 1 and 3 (serial port), 32 and 33
        /// (set-up), 34 to 39 (no output, no pull-up), 0 and 12 (may keep the board from starting); none for two things.
        /// </summary>
        public int LockedLightPin { get; set; } = DefaultLockedLightPin;

        /// <summary>The green light's pin.</summary>
        public int UnlockedLightPin { get; set; } = DefaultUnlockedLightPin;

        /// <summary>
        /// Low is locked, high is unlocked. Not 5, 14 or 15, which go high while the board starts, nor 26 or 27, where a board that is
        /// not set up blinks.
        /// </summary>
        public int BoltPin { get; set; } = NoPin;

        /// <summary>Locks. Pressed is low, with a pull-up.</summary>
        public int ButtonPin { get; set; } = NoPin;

        /// <summary>The door's contact: closed door is low, with a pull-up, so that a cut wire reads as an open door.</summary>
        public int DoorPin { get; set; } = NoPin;

        /// <summary>A charger's or supervisor's low-battery output: low is a low battery, with a pull-up.</summary>
        public int BatteryPin { get; set; } = NoPin;

        /// <summary>Without the secrets.</summary>
        public override string ToString()
        {
            return DeviceId == null ? "not set up" : DeviceId;
        }
    }
}
