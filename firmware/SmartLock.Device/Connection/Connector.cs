using System;

namespace SmartLock.Device
{
    /// <summary>
    /// Keeps the board connected: the network first, then the clock, then a link; waits for its loss, and starts again after a wait
    /// that grows. A new link for each connection. For a thread of its own: its calls block.
    /// </summary>
    public sealed class Connector
    {
        public const int NetworkTimeoutMs = 30000;

        /// <summary>For the time server's answer. Then it connects all the same, so that somebody hears "Clock not set".</summary>
        public const int ClockTimeoutMs = 20000;

        public const int ShortestWaitMs = 1000;
        public const int LongestWaitMs = 60000;

        /// <summary>A connection that lasted this long was a good one: the next wait starts small again.</summary>
        public const int GoodConnectionMs = 10000;

        private const int LookMs = 1000;

        private readonly LockBrain _brain;
        private readonly BoardParts _parts;
        private readonly LinkOutbox _outbox;
        private readonly Supervisor _supervisor;
        private readonly Backoff _backoff;

        public Connector(LockBrain brain, BoardParts parts, LinkOutbox outbox, Supervisor supervisor)
        {
            _brain = brain;
            _parts = parts;
            _outbox = outbox;
            _supervisor = supervisor;
            _backoff = new Backoff(ShortestWaitMs, LongestWaitMs, parts.Chance);
        }

        /// <summary>One round: from no connection through one, if it comes about, to the end of the wait after it. Never throws.</summary>
        public void RunOnce()
        {
            _supervisor.ConnectorMoved();
            if (BringNetworkUp())
            {
                WaitForClock();
                LiveOneLink();
            }

            WaitLong(_backoff.Next());
        }

        private bool BringNetworkUp()
        {
            if (_parts.Network.IsUp)
            {
                return true;
            }

            bool up;
            try
            {
                up = _parts.Network.Connect(NetworkTimeoutMs);
            }
            catch (Exception e)
            {
                _parts.Log.Write("network: " + e.Message);
                up = false;
            }

            _parts.Log.Write(up ? "network: up" : "network: not reached");
            return up;
        }

        private void WaitForClock()
        {
            long until = _parts.Clock.UptimeMs + ClockTimeoutMs;
            while (_parts.Clock.UnixMs <= 0 && _parts.Clock.UptimeMs < until)
            {
                Wait(LookMs);
            }
        }

        private void LiveOneLink()
        {
            ILink link = _parts.Links.Create();
            LinkEvents events = new LinkEvents(_brain, _outbox, link, _parts.Pause);
            try
            {
                _supervisor.ConnectorMoved();
                link.Open(_brain.BeginSession(), events);
                _supervisor.ConnectorMoved();
                Hold(link);
            }
            catch (Exception e)
            {
                _parts.Log.Write("broker: " + e.Message);
            }
            finally
            {
                // Before the link is given back: nothing that it still says, or takes long to say, is heard.
                events.End();
                _brain.OnDisconnected();
                _outbox.Disconnect();
                link.Close();
            }
        }

        private void Hold(ILink link)
        {
            long openedAt = _parts.Clock.UptimeMs;
            _parts.Log.Write("broker: connected");
            _outbox.Connect(link);
            _brain.OnConnected();
            while (link.IsOpen && !_outbox.IsUnanswered && _parts.Network.IsUp)
            {
                Wait(LookMs);
            }

            _parts.Log.Write("broker: connection lost");
            if (_parts.Clock.UptimeMs - openedAt >= GoodConnectionMs)
            {
                _backoff.Reset();
            }
        }

        /// <summary>Wakes of a link that is gone do not cut it short.</summary>
        private void WaitLong(int milliseconds)
        {
            long until = _parts.Clock.UptimeMs + milliseconds;
            for (long left = milliseconds; left > 0; left = until - _parts.Clock.UptimeMs)
            {
                Wait((int)(left < LookMs ? left : LookMs));
            }
        }

        private void Wait(int milliseconds)
        {
            _supervisor.ConnectorMoved();
            _parts.Pause.Wait(milliseconds);
        }
    }
}
