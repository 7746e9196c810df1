namespace SmartLock.Device
{
    /// <summary>Doubling waits with jitter, so that a fleet that lost its server does not come back all at once.</summary>
    public sealed class Backoff
    {
        private readonly int _shortestMs;
        private readonly int _longestMs;
        private readonly IChance _chance;
        private int _nextMs;

        public Backoff(int shortestMs, int longestMs, IChance chance)
        {
            _shortestMs = shortestMs;
            _longestMs = longestMs;
            _chance = chance;
            _nextMs = shortestMs;
        }

        /// <summary>Milliseconds: from half of the wait that is due to all of it.</summary>
        public int Next()
        {
            int wait = _nextMs;
            _nextMs = wait < _longestMs / 2 ? wait * 2 : _longestMs;
            return wait - _chance.Below((wait / 2) + 1);
        }

        public void Reset()
        {
            _nextMs = _shortestMs;
        }
    }
}
