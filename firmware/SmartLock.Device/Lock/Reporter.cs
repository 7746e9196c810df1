using System.Collections;

namespace SmartLock.Device
{
    /// <summary>The sessions and the reports in them: when to send, and dated how.</summary>
    internal sealed class Reporter
    {
        private const int MaxUntold = 16;
        private readonly ArrayList _untold = new ArrayList();
        private readonly LockSettings _settings;
        private readonly LockParts _parts;
        private readonly string _boot;
        private readonly string _topic;
        private readonly ReportRhythm _rhythm;
        private Decision _told;
        private Session _session;
        private bool _connected;
        private string _toldIssue;
        private BoltStatus _toldStatus;
        private long _sentAt;
        private long _connectedAt;

        /// <param name="boot">Of this start.</param>
        public Reporter(LockSettings settings, LockParts parts, string boot)
        {
            _settings = settings;
            _parts = parts;
            _boot = boot;
            _topic = settings.OwnTopics ? Topics.StatusOf(settings.DeviceId) : Topics.Status;
            _rhythm = new ReportRhythm(FirstGapMs(settings.Key));
        }

        /// <summary>Uptime in milliseconds.</summary>
        public long NextAt
        {
            get { return _rhythm.NextAt; }
        }

        public bool IsDue
        {
            get { return _connected && _rhythm.IsDue(_parts.Clock.UptimeMs); }
        }

        public bool MayAnswer
        {
            get { return _rhythm.MayAnswer(_parts.Clock.UptimeMs); }
        }

        public Session BeginSession()
        {
            long now = _parts.Clock.UnixMs;
            long wanted = now > 0 ? now : _parts.Clock.UptimeMs;
            _connectedAt = wanted > _connectedAt ? wanted : _connectedAt + 1;
            _session = new Session(_settings.DeviceId, _settings.Key, _settings.OwnTopics, _connectedAt, _boot);
            return _session;
        }

        public void Connected(Decision last, BoltStatus status, string issue)
        {
            if (_session == null)
            {
                return;
            }

            _connected = true;
            Send(last, status, issue);
            _rhythm.Connected();
        }

        public void Disconnected()
        {
            _connected = false;
        }

        public void Hasten()
        {
            _rhythm.Hasten();
        }

        /// <summary>Hastens when the server was last told something else.</summary>
        public void Compare(BoltStatus status, string issue)
        {
            if (status != _toldStatus || issue != _toldIssue)
            {
                _rhythm.Hasten();
            }
        }

        /// <summary>
        /// Reports with this decision, after those before it that found no room: the server wants the verdict on every command, not
        /// on the last one only.
        /// </summary>
        public void Send(Decision about, BoltStatus status, string issue)
        {
            Keep(about);
            if (!_connected)
            {
                return;
            }

            bool sent = _untold.Count > 0 ? SendUntold(status, issue) : SendOne(about, status, issue);
            _rhythm.Tried(_parts.Clock.UptimeMs, sent);
        }

        private void Keep(Decision decision)
        {
            if (decision == null || decision == _told || _untold.Contains(decision))
            {
                return;
            }

            if (_untold.Count < MaxUntold || MakeRoomFor(decision))
            {
                _untold.Add(decision);
            }
        }

        /// <summary>
        /// Refusals go first, and never push out the verdict of a command that was obeyed: whoever sends old commands of ours again
        /// can cause any number of them.
        /// </summary>
        private bool MakeRoomFor(Decision decision)
        {
            for (int i = 0; i < _untold.Count; i++)
            {
                if (!((Decision)_untold[i]).IsMovement)
                {
                    _untold.RemoveAt(i);
                    return true;
                }
            }

            if (decision.IsMovement)
            {
                _untold.RemoveAt(0);
            }

            return decision.IsMovement;
        }

        private bool SendUntold(BoltStatus status, string issue)
        {
            while (_untold.Count > 0)
            {
                Decision oldest = (Decision)_untold[0];
                if (!SendOne(oldest, status, issue))
                {
                    return false;
                }

                _told = oldest;
                _untold.RemoveAt(0);
            }

            return true;
        }

        private bool SendOne(Decision about, BoltStatus status, string issue)
        {
            long now = _parts.Clock.UnixMs;
            long uptime = _parts.Clock.UptimeMs;
            _sentAt = now > _sentAt ? now : _sentAt + 1;
            StatusReport report = new StatusReport
            {
                DeviceId = _settings.DeviceId,
                Status = status,
                Issue = issue,
                SentAt = _sentAt,
                ConnectedAt = _session.ConnectedAt,
                Boot = _boot,
                Decision = about,
                Firmware = _settings.Firmware,
                UptimeSeconds = uptime / 1000,
                Rssi = _parts.Gauges.Rssi,
                BatteryMillivolts = _parts.Gauges.BatteryMillivolts,
                OwnTopics = _settings.OwnTopics,
            };
            bool sent = _parts.Outbox.Send(_topic, report.Write(_settings.Key));
            if (sent)
            {
                _toldIssue = issue;
                _toldStatus = status;
            }

            return sent;
        }

        /// <summary>From 1 s to a whole heartbeat, spread evenly over the keys.</summary>
        private static int FirstGapMs(DeviceKey key)
        {
            byte[] spread = key.Mac(new byte[1]);
            int draw = (spread[0] << 8) | spread[1];
            return ReportRhythm.MinGapMs + (draw % (ReportRhythm.HeartbeatMs - ReportRhythm.MinGapMs + 1));
        }
    }
}
