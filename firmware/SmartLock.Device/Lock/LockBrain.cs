using System;

namespace SmartLock.Device
{
    /// <summary>
    /// Decides what a lock does. Passive: the host tells it of connections, messages and time, and it answers with at most one
    /// message per call into the outbox. May be called from several threads; no input makes it throw.
    /// </summary>
    /// <remarks>
    /// Order on each connection: <see cref="BeginSession"/> (the will is fixed by it), connect, subscribe, <see cref="OnConnected"/>.
    /// </remarks>
    public sealed class LockBrain
    {
        private const int RefusalKinds = (int)Refusal.StorageFailed + 1;
        private const int LogGapMs = 10000;

        private readonly object _gate = new object();
        private readonly LockSettings _settings;
        private readonly LockParts _parts;
        private readonly string _ownCommands;
        private readonly string _boot;
        private readonly CommandMemory _memory;
        private readonly GuardedClock _clock;
        private readonly DecisionHistory _decisions = new DecisionHistory();
        private readonly BoltControl _bolt;
        private readonly BatteryGauge _battery = new BatteryGauge();
        private readonly Reporter _reporter;
        private readonly long[] _refusals = new long[RefusalKinds];

        private long _now;
        private long _refusedCommands;
        private bool _storageFailed;
        private long _loggedAt = -LogGapMs;
        private long _unlogged;

        /// <summary>Reads flash and bolt, sets the lights.</summary>
        public LockBrain(LockSettings settings, LockParts parts)
        {
            if (!Topics.IsDeviceId(settings.DeviceId))
            {
                throw new ArgumentException("The device id is not 1 to 64 visible ASCII characters without / + # | \" \\.");
            }

            if (settings.Key == null)
            {
                throw new ArgumentException("There is no device key.");
            }

            _settings = settings;
            _parts = parts;
            _ownCommands = Topics.CommandsOf(settings.DeviceId);
            _bolt = new BoltControl(parts);
            _memory = new CommandMemory(parts.Slots, settings.Key);
            Decision last = _memory.Load();
            if (last != null)
            {
                _decisions.AddMovement(last);
            }

            // Counted before it is used: what no later start can have is what the boot is made of.
            long start = _memory.CountStart(out bool isKept);
            _storageFailed = !isKept;
            _boot = BootId.Draw(settings.Key, start, parts.Chance, parts.Clock);
            _clock = new GuardedClock(parts.Clock, _memory.TrustedTime);
            _reporter = new Reporter(settings, parts, _boot);

            ReadClock();
            _bolt.Refresh();
        }

        /// <summary>16 hexadecimal digits that no other start of the device has.</summary>
        public string Boot
        {
            get { return _boot; }
        }

        public BoltStatus Status
        {
            get
            {
                lock (_gate)
                {
                    return _bolt.Status;
                }
            }
        }

        /// <summary>Uptime at which <see cref="Tick"/> has something to send, if nothing happens before.</summary>
        public long NextReportAt
        {
            get
            {
                lock (_gate)
                {
                    return _reporter.NextAt;
                }
            }
        }

        /// <summary>False while commands are refused because the clock is not set, or was set back.</summary>
        public bool IsClockTrusted
        {
            get
            {
                lock (_gate)
                {
                    return _now > 0;
                }
            }
        }

        /// <summary>Messages that tried to be a command for this device and moved nothing, since the start.</summary>
        public long RefusedCommands
        {
            get
            {
                lock (_gate)
                {
                    return _refusedCommands;
                }
            }
        }

        public long RefusalsOf(Refusal refusal)
        {
            lock (_gate)
            {
                return _refusals[(int)refusal];
            }
        }

        /// <summary>
        /// What to connect with. connected_at is greater than that of the session before, also when the clock stands or is set
        /// back; while it is not set, the uptime stands in for it.
        /// </summary>
        public Session BeginSession()
        {
            lock (_gate)
            {
                ReadClock();
                return _reporter.BeginSession();
            }
        }

        /// <summary>The session is open and subscribed: reports at once.</summary>
        public void OnConnected()
        {
            lock (_gate)
            {
                LookAround();
                _reporter.Connected(_decisions.Last, _bolt.Status, Issue());
            }
        }

        public void OnDisconnected()
        {
            lock (_gate)
            {
                _reporter.Disconnected();
            }
        }

        /// <summary>To be called a few times a second.</summary>
        public void Tick()
        {
            lock (_gate)
            {
                LookAround();
                if (_reporter.IsDue)
                {
                    Report(_decisions.Last);
                }
            }
        }

        public void OnMessage(string topic, byte[] payload, bool retained)
        {
            lock (_gate)
            {
                LookAround();
                Refusal refusal = Receive(topic, payload, retained);
                if (refusal != Refusal.None)
                {
                    _refusals[(int)refusal]++;
                    _refusedCommands += CommandGate.IsAttempt(refusal) ? 1 : 0;
                    LogRefusal(refusal);
                }
            }
        }

        /// <summary>
        /// Somebody pressed the button at the lock itself. It only ever locks, needs neither server nor clock, and is told at once.
        /// </summary>
        public void LockByButton()
        {
            lock (_gate)
            {
                ReadClock();
                _bolt.Move(true);
                Report(_decisions.Last);
            }
        }

        private Refusal Receive(string topic, byte[] payload, bool retained)
        {
            if (retained)
            {
                return Refusal.Retained;
            }

            if (topic != Topics.Commands && topic != _ownCommands)
            {
                return Refusal.ForeignTopic;
            }

            bool isSigned = SignedMessage.IsSigned(_settings.Key, SignedMessage.Command, payload);
            FlatJson json = FlatJsonReader.Read(payload);
            string deviceId = json == null ? null : json.Text("device_id");
            if (deviceId != null && deviceId != _settings.DeviceId)
            {
                return Refusal.OtherDevice;
            }

            // What is not signed is read all the same, but only to name the refusal.
            Command command = Command.From(json);
            if (command == null)
            {
                return Refusal.Malformed;
            }

            return isSigned ? Decide(command) : Refusal.BadSignature;
        }

        private Refusal Decide(Command command)
        {
            Decision earlier = _decisions.Find(command);
            if (earlier != null)
            {
                Answer(earlier);
                return Refusal.Repeated;
            }

            Refusal refusal = CommandGate.Check(command, _boot, _now, _memory.HasSeen(command.IssuedAt));
            if (refusal == Refusal.None)
            {
                return Execute(command);
            }

            if (!_memory.Refuse(command.IssuedAt, _now))
            {
                _storageFailed = true;
            }

            Verdict verdict = CommandGate.VerdictOf(refusal);
            if (verdict == Verdict.None)
            {
                _reporter.Hasten();
                return refusal;
            }

            Decision decision = new Decision(command.Id, command.IssuedAt, verdict);
            if (_now > 0 && command.IssuedAt - _now <= CommandGate.MaxAheadMs)
            {
                // One from the future would hold its place as the newest against every rightly dated refusal.
                _decisions.AddRefusal(decision);
            }

            Tell(decision);
            Answer(decision);
            return refusal;
        }

        private Refusal Execute(Command command)
        {
            // Flash before bolt: whatever happens from here on, this command never moves it twice.
            _storageFailed = !_memory.Accept(command, _now);
            if (_storageFailed)
            {
                _reporter.Hasten();
                return Refusal.StorageFailed;
            }

            bool moved = _bolt.Move(command.Name == Command.Lock);
            Decision decision = new Decision(command.Id, command.IssuedAt, moved ? Verdict.Done : Verdict.Jammed);
            _decisions.AddMovement(decision);
            Tell(decision);
            Report(decision);
            if (!_memory.Settle(decision))
            {
                _parts.Log.Write("verdict not stored: a reboot would lose it");
            }

            return Refusal.None;
        }

        /// <summary>As early as can be: after a lost memory, what was issued before the first reading is refused.</summary>
        private void ReadClock()
        {
            bool wasSetBack = _clock.IsSetBack;
            _now = _clock.Read();
            _memory.ClockRead(_now, _parts.Clock.UptimeMs);
            if (_clock.IsSetBack && !wasSetBack)
            {
                _parts.Log.Write("the clock was set back: not trusted until it catches up");
            }
        }

        private void LookAround()
        {
            ReadClock();
            _battery.Read(_parts.Gauges.BatteryMillivolts);
            _bolt.Refresh();
            _reporter.Compare(_bolt.Status, Issue());
        }

        /// <summary>The one that matters most to whoever stands at the door.</summary>
        private string Issue()
        {
            if (_bolt.IsJammed)
            {
                return Words.JammedBolt;
            }

            if (_now <= 0)
            {
                return Words.ClockNotSet;
            }

            if (_storageFailed)
            {
                return Words.StorageFailed;
            }

            if (_bolt.Status == BoltStatus.Locked && _parts.Gauges.IsDoorOpen)
            {
                return Words.DoorOpen;
            }

            return _battery.IsLow || _parts.Gauges.IsBatteryLow ? Words.LowBattery : null;
        }

        /// <summary>Reports a decision that may not be the last one; too soon after another report, the heartbeats must do.</summary>
        private void Answer(Decision decision)
        {
            if (_reporter.MayAnswer)
            {
                Report(decision);
            }
            else
            {
                _reporter.Hasten();
            }
        }

        private void Report(Decision about)
        {
            _reporter.Send(about, _bolt.Status, Issue());
        }

        private void Tell(Decision decision)
        {
            if (_parts.Decisions != null)
            {
                _parts.Decisions.Decided(decision);
            }
        }

        private void LogRefusal(Refusal refusal)
        {
            long uptime = _parts.Clock.UptimeMs;
            if (uptime - _loggedAt < LogGapMs)
            {
                _unlogged++;
                return;
            }

            string more = _unlogged == 0 ? "" : ", after " + _unlogged.ToString() + " unlogged";
            _parts.Log.Write("refused: " + CommandGate.Describe(refusal) + more);
            _loggedAt = uptime;
            _unlogged = 0;
        }
    }
}
