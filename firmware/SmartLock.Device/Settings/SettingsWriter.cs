using System.Text;

namespace SmartLock.Device
{
    /// <summary>Writes settings as <see cref="SettingsReader"/> reads them, every member, so that equal settings are equal bytes.</summary>
    public static class SettingsWriter
    {
        /// <summary>With the secrets.</summary>
        public static byte[] Write(DeviceSettings settings)
        {
            FlatJsonWriter json = new FlatJsonWriter()
                .Text(SettingNames.Of(SettingNames.WifiSsid), settings.WifiSsid)
                .Text(SettingNames.Of(SettingNames.WifiPassword), settings.WifiPassword)
                .Text(SettingNames.Of(SettingNames.Host), settings.Host)
                .Number(SettingNames.Of(SettingNames.Port), settings.Port)
                .Flag(SettingNames.Of(SettingNames.Tls), settings.Tls)
                .Text(SettingNames.Of(SettingNames.DeviceId), settings.DeviceId)
                .Text(SettingNames.Of(SettingNames.Key), settings.Key);
            Pin(json, SettingNames.LockedLightPin, settings.LockedLightPin);
            Pin(json, SettingNames.UnlockedLightPin, settings.UnlockedLightPin);
            Pin(json, SettingNames.BoltPin, settings.BoltPin);
            Pin(json, SettingNames.ButtonPin, settings.ButtonPin);
            Pin(json, SettingNames.DoorPin, settings.DoorPin);
            Pin(json, SettingNames.BatteryPin, settings.BatteryPin);
            return Encoding.UTF8.GetBytes(json.Close());
        }

        private static void Pin(FlatJsonWriter json, int setting, int pin)
        {
            if (pin == DeviceSettings.NoPin)
            {
                json.Null(SettingNames.Of(setting));
            }
            else
            {
                json.Number(SettingNames.Of(setting), pin);
            }
        }
    }
}
