namespace SmartLock.Device
{
    /// <summary>Settings that may not be complete or right yet: one text for each, null where none is given.</summary>
    internal sealed class SettingsDraft
    {
        private readonly string[] _texts = new string[SettingNames.Count];

        /// <summary>Nothing is given.</summary>
        public SettingsDraft()
        {
            // Not idle: an element of a new string array that was never assigned is a null that nanoFramework's == of two strings
            // takes for a string, and follows to nowhere: the device stops.
            for (int i = 0; i < _texts.Length; i++)
            {
                _texts[i] = null;
            }
        }

        /// <summary>A port that is what it would be without saying so goes on following tls.</summary>
        public static SettingsDraft From(DeviceSettings settings)
        {
            SettingsDraft draft = new SettingsDraft();
            string[] texts = draft._texts;
            texts[SettingNames.WifiSsid] = settings.WifiSsid;
            texts[SettingNames.WifiPassword] = settings.WifiPassword;
            texts[SettingNames.Host] = settings.Host;
            texts[SettingNames.Port] = settings.Port == DefaultPort(settings.Tls) ? null : SettingText.Of(settings.Port);
            texts[SettingNames.Tls] = settings.Tls ? SettingText.True : SettingText.False;
            texts[SettingNames.DeviceId] = settings.DeviceId;
            texts[SettingNames.Key] = settings.Key;
            texts[SettingNames.LockedLightPin] = SettingText.OfPin(settings.LockedLightPin);
            texts[SettingNames.UnlockedLightPin] = SettingText.OfPin(settings.UnlockedLightPin);
            texts[SettingNames.BoltPin] = SettingText.OfPin(settings.BoltPin);
            texts[SettingNames.ButtonPin] = SettingText.OfPin(settings.ButtonPin);
            texts[SettingNames.DoorPin] = SettingText.OfPin(settings.DoorPin);
            texts[SettingNames.BatteryPin] = SettingText.OfPin(settings.BatteryPin);
            return draft;
        }

        /// <summary>Null when it is not given.</summary>
        public string Text(int setting)
        {
            return _texts[setting];
        }

        /// <summary>The default's text; null when there is none.</summary>
        public string Default(int setting)
        {
            switch (setting)
            {
                case SettingNames.Port:
                    return SettingText.Of(DefaultPort(_texts[SettingNames.Tls] == SettingText.True));
                case SettingNames.Tls:
                    return SettingText.False;
                case SettingNames.LockedLightPin:
                    return SettingText.Of(DeviceSettings.DefaultLockedLightPin);
                case SettingNames.UnlockedLightPin:
                    return SettingText.Of(DeviceSettings.DefaultUnlockedLightPin);
                case SettingNames.WifiPassword:
                    return "";
                default:
                    return SettingNames.IsPin(setting) ? SettingText.None : null;
            }
        }

        /// <summary>What is wrong with the value, which is not taken then; null when it is. A null text takes the value away.</summary>
        public string Set(int setting, string text)
        {
            string wrong = text == null ? null : SettingRules.Check(setting, text);
            if (wrong != null)
            {
                return Error(setting, wrong);
            }

            _texts[setting] = text;
            return null;
        }

        /// <summary>Checks everything. Null, and which setting breaks which rule, when something is missing or wrong.</summary>
        public DeviceSettings Complete(out string error)
        {
            for (int i = 0; i < SettingNames.Count; i++)
            {
                string text = Value(i);
                string wrong = text == null ? "is missing" : SettingRules.Check(i, text);
                if (wrong == null && SettingNames.IsPin(i))
                {
                    wrong = CheckShared(i, text);
                }

                if (wrong != null)
                {
                    error = Error(i, wrong);
                    return null;
                }
            }

            error = null;
            return Build();
        }

        private static int DefaultPort(bool tls)
        {
            return tls ? DeviceSettings.DefaultTlsPort : DeviceSettings.DefaultPort;
        }

        private static string Error(int setting, string rule)
        {
            return SettingNames.Of(setting) + ": " + rule;
        }

        private string CheckShared(int setting, string text)
        {
            for (int i = SettingNames.LockedLightPin; i < setting; i++)
            {
                if (text != SettingText.None && Value(i) == text)
                {
                    return "the same pin as " + SettingNames.Of(i);
                }
            }

            return null;
        }

        private DeviceSettings Build()
        {
            return new DeviceSettings
            {
                WifiSsid = Value(SettingNames.WifiSsid),
                WifiPassword = Value(SettingNames.WifiPassword),
                Host = Value(SettingNames.Host),
                Port = SettingText.ToNumber(Value(SettingNames.Port)),
                Tls = Value(SettingNames.Tls) == SettingText.True,
                DeviceId = Value(SettingNames.DeviceId),
                Key = Value(SettingNames.Key),
                LockedLightPin = Pin(SettingNames.LockedLightPin),
                UnlockedLightPin = Pin(SettingNames.UnlockedLightPin),
                BoltPin = Pin(SettingNames.BoltPin),
                ButtonPin = Pin(SettingNames.ButtonPin),
                DoorPin = Pin(SettingNames.DoorPin),
                BatteryPin = Pin(SettingNames.BatteryPin),
            };
        }

        private string Value(int setting)
        {
            return _texts[setting] == null ? Default(setting) : _texts[setting];
        }

        private int Pin(int setting)
        {
            string text = Value(setting);
            return text == SettingText.None ? DeviceSettings.NoPin : SettingText.ToNumber(text);
        }
    }
}
