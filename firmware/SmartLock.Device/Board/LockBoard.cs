namespace SmartLock.Device
{
    /// <summary>
    /// A whole lock, but for its pins and sockets. Three threads of the host drive it, each of them for ever: <see cref="Connect"/>
    /// blocks for long, <see cref="Tick"/> never, so that heartbeats leave whatever the connection is busy with, and
    /// <see cref="Supervise"/> restarts the board when one of the others has stopped.
    /// </summary>
    public sealed class LockBoard
    {
        public const int TickMs = 50;
        public const int SuperviseMs = 5000;

        /// <summary>The brain wants to look around a few times a second; the button and the lights more often.</summary>
        private const int TicksPerLook = 4;

        private readonly BoardParts _parts;
        private readonly LockBrain _brain;
        private readonly LinkOutbox _outbox;
        private readonly Supervisor _supervisor;
        private readonly Connector _connector;
        private readonly SignalLights _lights;
        private readonly LockButton _button;
        private int _ticks;
        private Signal _signal;
        private long _refused;

        public LockBoard(LockSettings settings, BoardParts parts)
        {
            _parts = parts;
            _lights = new SignalLights(parts.RedLight, parts.GreenLight);
            _supervisor = new Supervisor(parts.Clock);
            _outbox = new LinkOutbox(parts.Clock, _supervisor);
            _button = new LockButton(parts.Button);
            _brain = new LockBrain(
                settings,
                new LockParts
                {
                    Clock = parts.Clock,
                    Slots = parts.Slots,
                    Bolt = parts.Bolt,
                    LockedLight = _lights.Locked,
                    UnlockedLight = _lights.Unlocked,
                    Gauges = parts.Gauges,
                    Outbox = _outbox,
                    Chance = parts.Chance,
                    Log = parts.Log,
                });
            _connector = new Connector(_brain, parts, _outbox, _supervisor);
        }

        public LockBrain Brain
        {
            get { return _brain; }
        }

        public Signal Signal
        {
            get
            {
                if (_outbox.IsConnected)
                {
                    return _brain.IsClockTrusted ? Signal.Well : Signal.ClockNotSet;
                }

                return _parts.Network.IsUp ? Signal.NoBroker : Signal.NoNetwork;
            }
        }

        /// <summary>One connection and the wait after it.</summary>
        public void Connect()
        {
            _connector.RunOnce();
        }

        /// <summary>To be called every <see cref="TickMs"/>.</summary>
        public void Tick()
        {
            if (_button.IsPressedNow())
            {
                _brain.LockByButton();
            }

            // A due heartbeat does not wait for the next look.
            _ticks++;
            if (_ticks % TicksPerLook == 0 || (_outbox.IsConnected && _parts.Clock.UptimeMs >= _brain.NextReportAt))
            {
                _brain.Tick();
            }

            if (_ticks % TicksPerLook == 0)
            {
                _signal = Signal;
            }

            ShowLights();
            _supervisor.Ticked();
        }

        /// <summary>To be called every <see cref="SuperviseMs"/>.</summary>
        public void Supervise()
        {
            string complaint = _supervisor.Complaint();
            if (complaint != null)
            {
                try
                {
                    _parts.Log.Write("restarting: " + complaint);
                }
                finally
                {
                    // Also when there is no memory left for that line.
                    _parts.System.Reboot();
                }
            }
        }

        private void ShowLights()
        {
            long uptime = _parts.Clock.UptimeMs;
            long refused = _brain.RefusedCommands;
            if (refused != _refused)
            {
                _refused = refused;
                _lights.CommandRefused(uptime);
            }

            _lights.Show(_signal, uptime);
        }
    }
}
