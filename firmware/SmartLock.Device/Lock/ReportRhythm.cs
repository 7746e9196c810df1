namespace SmartLock.Device
{
    /// <summary>
    /// When to report. Times are uptime in milliseconds. Whatever somebody else can set off by sending to us (refusals, repeats) is
    /// told at most once a second, so that a flood of messages is not answered by a flood.
    /// </summary>
    internal sealed class ReportRhythm
    {
        public const int HeartbeatMs = 9000;
        public const int MinGapMs = 1000;

        private readonly int _firstGapMs;
        private long _lastAt = -MinGapMs;
        private long _gapMs = HeartbeatMs;
        private bool _pending;

        /// <param name="firstGapMs">
        /// From the report on connection to the first heartbeat. Each device has its own, so that a fleet which came back all at once,
        /// after a restart of the server, does not beat all at once ever after.
        /// </param>
        public ReportRhythm(int firstGapMs)
        {
            _firstGapMs = firstGapMs;
        }

        /// <summary>When <see cref="IsDue"/> turns true next.</summary>
        public long NextAt
        {
            get { return _lastAt + (_pending ? MinGapMs : _gapMs); }
        }

        public bool IsDue(long uptimeMs)
        {
            return uptimeMs >= NextAt;
        }

        public bool MayAnswer(long uptimeMs)
        {
            return uptimeMs - _lastAt >= MinGapMs;
        }

        /// <summary>There is something new to tell: not only at the next heartbeat.</summary>
        public void Hasten()
        {
            _pending = true;
        }

        /// <summary>After the report on connection was tried.</summary>
        public void Connected()
        {
            _gapMs = _firstGapMs;
        }

        /// <summary>A try counts whether the outbox had room or not: the next one is a second away at the soonest.</summary>
        public void Tried(long uptimeMs, bool sent)
        {
            _lastAt = uptimeMs;
            _gapMs = HeartbeatMs;
            _pending = !sent;
        }
    }
}
