using System.Text;

namespace SmartLock.Device
{
    /// <summary>
    /// The lines that are signed, field by field between bars. A field that could be read as two (it holds a bar), or as other
    /// bytes elsewhere (it is not printable ASCII), makes the line null: nothing is signed then.
    /// </summary>
    public static class SigningLines
    {
        public static string Command(string deviceId, string command, string commandId, long issuedAt, long expiresAt)
        {
            if (!IsField(deviceId) || !IsField(command) || !IsField(commandId))
            {
                return null;
            }

            return Start("cmd", deviceId).Append('|').Append(command).Append('|').Append(commandId)
                .Append('|').Append(issuedAt).Append('|').Append(expiresAt).ToString();
        }

        /// <summary>Null issue, command id and result stand as nothing between their bars.</summary>
        public static string Status(
            string deviceId, string status, string issue, long sentAt, long connectedAt, string commandId, string result)
        {
            if (!IsField(deviceId) || !IsField(status) || !IsFieldOrNull(issue) || !IsFieldOrNull(commandId) || !IsFieldOrNull(result))
            {
                return null;
            }

            return Start("sts", deviceId).Append('|').Append(status).Append('|').Append(OrNothing(issue))
                .Append('|').Append(sentAt).Append('|').Append(connectedAt)
                .Append('|').Append(OrNothing(commandId)).Append('|').Append(OrNothing(result)).ToString();
        }

        public static string Will(string deviceId, long connectedAt)
        {
            return IsField(deviceId) ? Start("will", deviceId).Append('|').Append(connectedAt).ToString() : null;
        }

        /// <summary>The MAC of this line is the device's MQTT password.</summary>
        public static string MqttLogin(string deviceId)
        {
            return IsField(deviceId) ? Start("mqtt", deviceId).ToString() : null;
        }

        public static bool IsField(string value)
        {
            return value != null && value.Length > 0 && IsFieldOrNull(value);
        }

        private static bool IsFieldOrNull(string value)
        {
            int length = value == null ? 0 : value.Length;
            for (int i = 0; i < length; i++)
            {
                if (value[i] < 0x20 || value[i] > 0x7E || value[i] == '|')
                {
                    return false;
                }
            }

            return true;
        }

        private static string OrNothing(string value)
        {
            return value == null ? "" : value;
        }

        private static StringBuilder Start(string kind, string deviceId)
        {
            return new StringBuilder(160).Append("v1|").Append(kind).Append('|').Append(deviceId);
        }
    }
}
