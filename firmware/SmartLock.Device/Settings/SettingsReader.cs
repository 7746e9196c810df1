namespace SmartLock.Device
{
    /// <summary>
    /// Reads settings out of one flat JSON object with the members wifi_ssid, wifi_password, host, port, tls, device_id, key,
    /// locked_light_pin, unlocked_light_pin, bolt_pin, button_pin, door_pin and battery_pin (null: nothing is wired there).
    /// </summary>
    public static class SettingsReader
    {
        /// <summary>
        /// Null, and an error that names the member and the rule, when they cannot be used. The error never holds a member's value. The
        /// default port is 1883, with tls 8883.
        /// </summary>
        public static DeviceSettings Read(byte[] json, out string error)
        {
            SettingsDraft draft = ReadDraft(json, out error);
            return draft == null ? null : draft.Complete(out error);
        }

        internal static SettingsDraft ReadDraft(byte[] json, out string error)
        {
            FlatJson members = FlatJsonReader.Read(json);
            if (members == null)
            {
                error = Unreadable(json);
                return null;
            }

            SettingsDraft draft = new SettingsDraft();
            for (int i = 0; i < members.Count; i++)
            {
                error = Take(draft, members, members.NameAt(i));
                if (error != null)
                {
                    return null;
                }
            }

            error = null;
            return draft;
        }

        private static string Take(SettingsDraft draft, FlatJson members, string name)
        {
            int setting = SettingNames.Find(name);
            if (setting < 0)
            {
                return SettingNames.Unknown(name);
            }

            JsonKind kind = members.KindOf(name);
            if (SettingNames.IsPin(setting))
            {
                return kind == JsonKind.Null || kind == JsonKind.Number
                    ? draft.Set(setting, kind == JsonKind.Null ? SettingText.None : SettingText.Of(members.Number(name, 0)))
                    : name + ": must be a number, or null when nothing is wired there";
            }

            if (setting == SettingNames.Port)
            {
                return kind == JsonKind.Number
                    ? draft.Set(setting, SettingText.Of(members.Number(name, 0)))
                    : name + ": must be a number";
            }

            if (setting == SettingNames.Tls)
            {
                return kind == JsonKind.True || kind == JsonKind.False
                    ? draft.Set(setting, kind == JsonKind.True ? SettingText.True : SettingText.False)
                    : name + ": must be true or false";
            }

            return kind == JsonKind.Text ? draft.Set(setting, members.Text(name)) : name + ": must be a text in quotes";
        }

        /// <summary>Where in it is not said: what stands there may be a secret.</summary>
        private static string Unreadable(byte[] json)
        {
            if (json == null || json.Length == 0)
            {
                return "there is nothing in it";
            }

            if (json.Length > FlatJsonReader.MaxBytes)
            {
                return "it is longer than 1024 bytes";
            }

            for (int i = 0; i < json.Length; i++)
            {
                if (json[i] > 0x7E)
                {
                    return "it holds something else than printable ASCII";
                }
            }

            return "it is not one flat JSON object of printable ASCII: at most 24 members, none twice, whole numbers, "
                + "and no escapes but \\\" \\\\ and \\/";
        }
    }
}
