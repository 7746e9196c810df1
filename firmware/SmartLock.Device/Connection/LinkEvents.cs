namespace SmartLock.Device
{
    /// <summary>What one link hears, for as long as it is the board's link; deaf afterwards, whatever still comes out of its threads.</summary>
    internal sealed class LinkEvents : ILinkListener
    {
        private readonly object _gate = new object();
        private readonly LockBrain _brain;
        private readonly LinkOutbox _outbox;
        private readonly ILink _link;
        private readonly IPause _pause;
        private bool _over;

        public LinkEvents(LockBrain brain, LinkOutbox outbox, ILink link, IPause pause)
        {
            _brain = brain;
            _outbox = outbox;
            _link = link;
            _pause = pause;
        }

        public void OnMessage(string topic, byte[] payload, bool retained)
        {
            if (!IsOver)
            {
                _brain.OnMessage(topic, payload, retained);
            }
        }

        public void OnAcknowledged()
        {
            _outbox.Acknowledged(_link);
        }

        public void OnGivenUp()
        {
            _outbox.GivenUp(_link);
        }

        public void OnClosed()
        {
            if (!IsOver)
            {
                _pause.Wake();
            }
        }

        public void End()
        {
            lock (_gate)
            {
                _over = true;
            }
        }

        private bool IsOver
        {
            get
            {
                lock (_gate)
                {
                    return _over;
                }
            }
        }
    }
}
