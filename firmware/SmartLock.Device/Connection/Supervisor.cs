namespace SmartLock.Device
{
    /// <summary>
    /// Finds out when the board has stopped living: a thread that hangs, or died of an exception, as nanoFramework lets it do in silence.
    /// A network or a broker that is away is no reason: whoever can take it away for long enough could then restart the lock, and with
    /// it the memory of the highest time that was seen (see <see cref="GuardedClock"/>).
    /// </summary>
    /// <remarks>Calls nobody with its lock held, so that it answers whoever else hangs.</remarks>
    public sealed class Supervisor
    {
        public const int TickLimitMs = 30000;

        /// <summary>Five heartbeats that should have left.</summary>
        public const int ReportLimitMs = 45000;

        /// <summary>Longer than any one call of the connector takes: DNS, TCP and TLS with the library's own three tries of 30 s.</summary>
        public const int ConnectorLimitMs = 240000;

        /// <summary>
        /// 450 days. The ESP32's runtime counts its time in 32 bits of 10 ms, which end after 497 days: from then on no wait would end
        /// any more, this one's neither.
        /// </summary>
        public const long UptimeLimitMs = 450L * 24 * 3600 * 1000;

        /// <summary>Between two looks. More, and the whole board stood still, as it does in calls that the runtime cannot interrupt.</summary>
        public const int LongestGapMs = 15000;

        private readonly object _gate = new object();
        private readonly IClock _clock;
        private long _tickedAt;
        private long _connectorAt;
        private long _reportAt;
        private long _lookedAt;
        private bool _connected;

        public Supervisor(IClock clock)
        {
            _clock = clock;
            _tickedAt = clock.UptimeMs;
            _connectorAt = _tickedAt;
            _lookedAt = _tickedAt;
        }

        public void Ticked()
        {
            lock (_gate)
            {
                _tickedAt = _clock.UptimeMs;
            }
        }

        public void ConnectorMoved()
        {
            lock (_gate)
            {
                _connectorAt = _clock.UptimeMs;
            }
        }

        public void Connected()
        {
            lock (_gate)
            {
                _connected = true;
                _reportAt = _clock.UptimeMs;
            }
        }

        public void Disconnected()
        {
            lock (_gate)
            {
                _connected = false;
            }
        }

        public void ReportLeft()
        {
            lock (_gate)
            {
                _reportAt = _clock.UptimeMs;
            }
        }

        /// <summary>Why the board must be restarted; null while it lives. To be asked every few seconds.</summary>
        public string Complaint()
        {
            lock (_gate)
            {
                long now = _clock.UptimeMs;
                if (now - _lookedAt > LongestGapMs)
                {
                    // Nobody could run, and this one may be the first that can again: who hangs shows from here on.
                    _tickedAt = now;
                    _connectorAt = now;
                    _reportAt = now;
                }

                _lookedAt = now;
                if (now > UptimeLimitMs)
                {
                    return "the runtime's clock ends soon";
                }

                if (now - _tickedAt > TickLimitMs)
                {
                    return "the heartbeat's thread stands still";
                }

                if (now - _connectorAt > ConnectorLimitMs)
                {
                    return "the connection's thread stands still";
                }

                return _connected && now - _reportAt > ReportLimitMs ? "no heartbeat leaves" : null;
            }
        }
    }
}
