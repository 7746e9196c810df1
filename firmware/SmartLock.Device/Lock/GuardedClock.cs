namespace SmartLock.Device
{
    /// <summary>
    /// The clock, taken as not set while its first time after a start lies before one that an earlier start trusted, and while it shows more
    /// than a minute less than it must by the uptime since its highest reading. Else whoever answers for the time server could keep an UNLOCK
    /// back, set the clock back, and let it fire hours later.
    /// </summary>
    /// <remarks>
    /// A clock that was first ahead (2036) and is then put right looks the same as one that is set back, and nothing that this device can
    /// check tells them apart: it too is distrusted, and says so. A host must not restart by itself because of it. What remains: one ahead
    /// stops the lock, and by small steps the clock can be held back by a minute and 17 s a day.
    /// </remarks>
    internal sealed class GuardedClock
    {
        /// <summary>Honest corrections stay below.</summary>
        public const int MaxBackMs = 60000;

        /// <summary>200 ppm for an uptime that runs fast, or months of drift would count as the clock set back.</summary>
        private const int DriftDivisor = 5000;

        private readonly IClock _clock;
        private readonly long _kept;
        private long _highest;
        private long _highestAtUptime;

        /// <param name="kept">The newest time that an earlier start trusted; Unix milliseconds, 0 for none.</param>
        public GuardedClock(IClock clock, long kept)
        {
            _clock = clock;
            _kept = kept;
        }

        /// <summary>Of the last reading.</summary>
        public bool IsSetBack { get; private set; }

        /// <summary>Unix milliseconds; 0 while the clock is not set or not trusted. To be called often: each call is a reading.</summary>
        public long Read()
        {
            long now = _clock.UnixMs;
            if (now <= 0)
            {
                IsSetBack = false;
                return 0;
            }

            if (_highest == 0 && now < _kept)
            {
                IsSetBack = true;
                return 0;
            }

            long uptime = _clock.UptimeMs;
            long passed = uptime - _highestAtUptime;
            long least = _highest == 0 ? now : _highest + passed - (passed / DriftDivisor);
            IsSetBack = now < least - MaxBackMs;
            if (now >= least)
            {
                _highest = now;
                _highestAtUptime = uptime;
            }

            return IsSetBack ? 0 : now;
        }
    }
}
