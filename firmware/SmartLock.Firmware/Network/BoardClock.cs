using System;
using SmartLock.Device;

namespace SmartLock.Firmware
{
    /// <summary>The system's clock, which the time server sets once the network is up.</summary>
    internal sealed class BoardClock : IClock
    {
        private const long EpochTicks = 621355968000000000;
        private const long TicksPerMs = 10000;

        /// <summary>A board starts in 1970 or at the day its runtime was built. No lock is older than this program.</summary>
        private const int FirstYear = 2025;

        public long UnixMs
        {
            get { return ToUnixMs(DateTime.UtcNow); }
        }

        public long UptimeMs
        {
            get { return Environment.TickCount64; }
        }

        /// <summary>0 for a time that no time server can have set.</summary>
        internal static long ToUnixMs(DateTime now)
        {
            return now.Year < FirstYear ? 0 : (now.Ticks - EpochTicks) / TicksPerMs;
        }
    }
}
