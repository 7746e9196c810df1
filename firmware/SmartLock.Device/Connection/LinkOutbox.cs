namespace SmartLock.Device
{
    /// <summary>
    /// The brain's messages go to whichever link is open now. Few may be on their way at once: what finds no room is said again later.
    /// </summary>
    public sealed class LinkOutbox : IOutbox
    {
        public const int MaxUnacknowledged = 8;

        /// <summary>Two heartbeats: a broker that answers nothing for so long is not there.</summary>
        public const int SilenceMs = 18000;

        /// <summary>
        /// Three heartbeats: a link that takes nothing for so long is given up, before the supervisor takes it for a hanging board. A
        /// broker that floods it can do that, and must not be able to restart the lock.
        /// </summary>
        public const int StuckMs = 27000;

        private readonly object _gate = new object();
        private readonly IClock _clock;
        private readonly Supervisor _supervisor;
        private ILink _link;
        private int _unacknowledged;
        private bool _waiting;
        private long _waitingSince;
        private long _leftAt;

        public LinkOutbox(IClock clock, Supervisor supervisor)
        {
            _clock = clock;
            _supervisor = supervisor;
        }

        public bool IsConnected
        {
            get
            {
                lock (_gate)
                {
                    return _link != null;
                }
            }
        }

        /// <summary>The broker owes acknowledgements and gives none, or the link takes no message.</summary>
        public bool IsUnanswered
        {
            get
            {
                lock (_gate)
                {
                    long now = _clock.UptimeMs;
                    return _link != null
                        && ((_waiting && now - _waitingSince > SilenceMs) || now - _leftAt > StuckMs);
                }
            }
        }

        public void Connect(ILink link)
        {
            lock (_gate)
            {
                _link = link;
                _unacknowledged = 0;
                _waiting = false;
                _leftAt = _clock.UptimeMs;
                _supervisor.Connected();
            }
        }

        public void Disconnect()
        {
            lock (_gate)
            {
                _link = null;
                _unacknowledged = 0;
                _waiting = false;
                _supervisor.Disconnected();
            }
        }

        /// <summary>Of this link: a late one of a link before it does not count.</summary>
        public void Acknowledged(ILink link)
        {
            lock (_gate)
            {
                if (link == _link && _unacknowledged > 0)
                {
                    _unacknowledged--;
                    _waiting = _unacknowledged > 0;
                    _waitingSince = _clock.UptimeMs;
                }
            }
        }

        /// <summary>Makes room, but is no sign of life: whether the broker has the message is not known.</summary>
        public void GivenUp(ILink link)
        {
            lock (_gate)
            {
                if (link == _link && _unacknowledged > 0)
                {
                    _unacknowledged--;
                }
            }
        }

        public bool Send(string topic, byte[] payload)
        {
            // Held while the link queues, or the acknowledgement could come before it is counted.
            lock (_gate)
            {
                if (_link == null || _unacknowledged >= MaxUnacknowledged || !_link.Publish(topic, payload))
                {
                    return false;
                }

                if (!_waiting)
                {
                    _waiting = true;
                    _waitingSince = _clock.UptimeMs;
                }

                _unacknowledged++;
                _leftAt = _clock.UptimeMs;
                _supervisor.ReportLeft();
                return true;
            }
        }
    }
}
