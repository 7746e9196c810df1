namespace SmartLock.Device
{
    /// <summary>
    /// Low below 3.3 V (where the ESP32's regulator gives in under Wi-Fi's load) until 3.4 V again: no flapping in between.
    /// </summary>
    internal sealed class BatteryGauge
    {
        public const int LowMillivolts = 3300;
        public const int GoodMillivolts = 3400;

        public bool IsLow { get; private set; }

        /// <param name="millivolts">0 on mains.</param>
        public void Read(int millivolts)
        {
            if (millivolts <= 0 || millivolts >= GoodMillivolts)
            {
                IsLow = false;
            }
            else if (millivolts < LowMillivolts)
            {
                IsLow = true;
            }
        }
    }
}
