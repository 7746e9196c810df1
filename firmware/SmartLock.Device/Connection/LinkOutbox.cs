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

        private readonly object _gate = new object();
        private readonly IClock _clock;
        private readonly Supervisor _supervisor;
        private ILink _link;
        private int _unacknowledged;
        private long _heardAt;

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

        /// <summary>The broker owes acknowledgements and gives none.</summary>
        public bool IsUnanswered
        {
            get
            {
                lock (_gate)
                {
                    return _unacknowledged > 0 && _clock.UptimeMs - _heardAt > SilenceMs;
                }
            }
        }

        public void Connect(ILink link)
        {
            lock (_gate)
            {
                _link = link;
                _unacknowledged = 0;
                _heardAt = _clock.UptimeMs;
                _supervisor.Connected();
            }
        }

        public void Disconnect()
        {
            lock (_gate)
            {
                _link = null;
                _unacknowledged = 0;
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
                    _heardAt = _clock.UptimeMs;
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

                if (_unacknowledged == 0)
                {
                    _heardAt = _clock.UptimeMs;
                }

                _unacknowledged++;
                _supervisor.ReportLeft();
                return true;
            }
        }
    }
}
