using System.Text;

namespace SmartLock.Device
{
    /// <summary>One status or heartbeat, ready to be signed and written.</summary>
    public sealed class StatusReport
    {
        public string DeviceId { get; set; }

        public BoltStatus Status { get; set; }

        /// <summary>Null when all is well.</summary>
        public string Issue { get; set; }

        /// <summary>Unix milliseconds.</summary>
        public long SentAt { get; set; }

        /// <summary>Unix milliseconds.</summary>
        public long ConnectedAt { get; set; }

        /// <summary>16 hexadecimal digits, of this start of the device.</summary>
        public string Boot { get; set; }

        /// <summary>Null before the first decision.</summary>
        public Decision Decision { get; set; }

        public string Firmware { get; set; }

        public long UptimeSeconds { get; set; }

        /// <summary>dBm; 0 when there is no radio to ask.</summary>
        public int Rssi { get; set; }

        /// <summary>0 on mains.</summary>
        public int BatteryMillivolts { get; set; }

        public bool OwnTopics { get; set; }

        public byte[] Write(DeviceKey key)
        {
            string commandId = Decision == null ? null : Decision.CommandId;
            string result = Decision == null ? null : Words.Of(Decision.Verdict);
            FlatJsonWriter json = new FlatJsonWriter()
                .Text("device_id", DeviceId)
                .Text("status", Words.Of(Status))
                .Text("issue", Issue)
                .Number("sent_at", SentAt)
                .Number("connected_at", ConnectedAt)
                .Text("boot", Boot)
                .Text("command_id", commandId)
                .Text("result", result)
                .Text("firmware", Firmware)
                .Number("uptime_s", UptimeSeconds);
            IntegerOrNull(json, "rssi", Rssi);
            IntegerOrNull(json, "battery_mv", BatteryMillivolts);

            // Said also when it is not so: the server remembers what a device with other firmware said before.
            json.Text("topics", OwnTopics ? "own" : "shared");
            return Encoding.UTF8.GetBytes(json.CloseSigned(key, SignedMessage.Status));
        }

        private static void IntegerOrNull(FlatJsonWriter json, string name, int value)
        {
            if (value == 0)
            {
                json.Null(name);
                return;
            }

            json.Number(name, value);
        }
    }
}
