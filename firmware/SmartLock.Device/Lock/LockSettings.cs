namespace SmartLock.Device
{
    public sealed class LockSettings
    {
        public string DeviceId { get; set; }

        public DeviceKey Key { get; set; }

        public string Firmware { get; set; }

        /// <summary>Report on smartlock/status/{device_id} and say so; else on the shared topic.</summary>
        public bool OwnTopics { get; set; } = true;
    }
}
