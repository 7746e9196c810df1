namespace SmartLock.Device
{
    /// <summary>
    /// Which GPIO of a classic ESP32 can be used for what (ESP32 datasheet, IO_MUX and strapping pins). 16 and 17 belong to the PSRAM on
    /// modules that have one (WROVER); which module it is cannot be told from here, so they are left to whoever wires.
    /// </summary>
    internal static class PinRules
    {
        /// <summary>
        /// Why not; null when it can. 34 to 39 are refused for inputs too: they have no pull-up, and every input here counts on one, so
        /// that a cut wire is an open door and not noise.
        /// </summary>
        public static string Check(int setting, int pin)
        {
            if (pin < 0 || pin > 39)
            {
                return "must be a GPIO of the ESP32, 0 to 39";
            }

            if (pin == 20 || pin == 24 || (pin >= 28 && pin <= 31))
            {
                return "the ESP32 has no such pin";
            }

            if (pin >= 6 && pin <= 11)
            {
                return "6 to 11 belong to the flash";
            }

            if (pin == 1 || pin == 3)
            {
                return "1 and 3 are the serial port";
            }

            if (pin == DeviceSettings.SetupReceivePin || pin == DeviceSettings.SetupTransmitPin)
            {
                return "32 and 33 are the set-up port";
            }

            if (pin >= 34)
            {
                return "34 to 39 can only be inputs and have no pull-up";
            }

            // A closed door's contact on 0, or a relay board's pull-up on 12, and the board does not come up after a power cut.
            if (pin == 0)
            {
                return "0, held low at power-on, keeps the board from starting";
            }

            if (pin == 12)
            {
                return "12, held high at power-on, keeps the board from starting";
            }

            // High is unlocked: the chip pulls 5 and 15 up at reset, and 14 carries a signal while it starts.
            if (setting == SettingNames.BoltPin && (pin == 5 || pin == 14 || pin == 15))
            {
                return "5, 14 and 15 go high while the board starts, which would unlock";
            }

            // Also with the lights elsewhere: a board whose settings are gone shows so on these.
            if (setting == SettingNames.BoltPin
                && (pin == DeviceSettings.DefaultLockedLightPin || pin == DeviceSettings.DefaultUnlockedLightPin))
            {
                return "26 and 27 blink while the board is not set up, which would unlock";
            }

            return null;
        }
    }
}
