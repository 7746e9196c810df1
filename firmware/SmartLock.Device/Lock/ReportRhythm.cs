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

        private long _lastAt = -MinGapMs;
        private bool _pending;

        /// <summary>When <see cref="IsDue"/> turns true next.</summary>
        public long NextAt
        {
            get { return _lastAt + (_pending ? MinGapMs : HeartbeatMs); }
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

        /// <summary>A try counts whether the outbox had room or not: the next one is a second away at the soonest.</summary>
        public void Tried(long uptimeMs, bool sent)
        {
            _lastAt = uptimeMs;
            _pending = !sent;
        }
    }
}
