namespace SmartLock.Device
{
    /// <summary>
    /// Remembers in flash the greatest issued_at of any rightly signed command, how the last one that was accepted ended, and the newest
    /// trusted time: neither a reboot nor a power cut lets an old command move the bolt again, loses a verdict, or lets a time be believed
    /// that lies before one that was known already.
    /// </summary>
    internal sealed class CommandMemory
    {
        /// <summary>
        /// Between two times that are kept, and until the first: a time that nothing but the time server vouches for must have been
        /// trusted for so long. One that is ahead would have every right time distrusted, also after a restart.
        /// </summary>
        public const int KeepTimeEveryMs = 3600000;

        private const int MostMisdated = 16;

        /// <summary>issued_at of commands that could not be counted in <see cref="Greatest"/>; 0 for none.</summary>
        private readonly long[] _misdated = new long[MostMisdated];
        private long _misdatedFrom;
        private long _misdatedTo;
        private readonly SlotPair _slots;
        private readonly DeviceKey _key;
        private bool _isIncomplete;
        private bool _isClockSet;
        private bool _isTimeTrusted;
        private long _keepTimeAt;
        private Decision _last;

        public CommandMemory(ISlotStore slots, DeviceKey key)
        {
            _slots = new SlotPair(slots);
            _key = key;
        }

        /// <summary>Unix milliseconds; 0 before the first command.</summary>
        public long Greatest { get; private set; }

        /// <summary>The newest that is kept, Unix milliseconds; 0 before the first.</summary>
        public long TrustedTime { get; private set; }

        /// <summary>
        /// Reads both slots; the newest whole record counts. Returns the last decision, or null when there is none, or the power
        /// went before the bolt answered.
        /// </summary>
        /// <remarks>
        /// A slot without a whole record may have held the newest one: it was torn in a write that fell back to it, or decayed, or
        /// was erased, and the other may be an old one on dead flash. So only two whole records are a memory; on a new device, too,
        /// nobody can tell whether its flash is new or was wiped.
        /// </remarks>
        public Decision Load()
        {
            FlashRecord newest = null;
            _isIncomplete = false;
            for (int slot = 0; slot < SlotPair.Slots; slot++)
            {
                FlashRecord record = FlashRecord.Decode(_key, _slots.Read(slot));
                if (record == null)
                {
                    _isIncomplete = true;
                }
                else if (newest == null || record.Sequence > newest.Sequence)
                {
                    newest = record;
                    _slots.Continue(slot, record.Sequence);
                }
            }

            if (newest == null)
            {
                return null;
            }

            Greatest = newest.Greatest;
            TrustedTime = newest.TrustedTime;
            _isIncomplete = _isIncomplete || newest.IsIncomplete;
            _last = newest.Decision;
            return _last == null || _last.Verdict == Verdict.None ? null : _last;
        }

        /// <summary>To be called once at each start.</summary>
        /// <param name="isKept">False when it is not certain that the next start gets another number.</param>
        /// <returns>A number that no start before it had, for as long as flash keeps what it is given.</returns>
        public long CountStart(out bool isKept)
        {
            isKept = Write();
            return _slots.Sequence;
        }

        /// <summary>
        /// To be called with each reading of the clock. At the first trusted one: while the memory is incomplete, nobody knows what was seen
        /// before this start, and nothing that was issued before that reading is accepted. The same goes for a greatest issued_at that
        /// lies further ahead than a command may: whoever dated it was wrong, and it is not waited for.
        /// </summary>
        /// <param name="unixMs">0 while the clock is not set or not trusted.</param>
        public void ClockRead(long unixMs, long uptimeMs)
        {
            if (unixMs <= 0)
            {
                _isTimeTrusted = false;
                return;
            }

            if (!_isClockSet)
            {
                _isClockSet = true;
                JudgeGreatest(unixMs);
            }

            if (!_isTimeTrusted)
            {
                _isTimeTrusted = true;
                _keepTimeAt = uptimeMs + KeepTimeEveryMs;
            }
            else if (uptimeMs >= _keepTimeAt)
            {
                // A write that fails is tried again at the next turn: it is not worth wearing out the flash.
                _keepTimeAt = uptimeMs + KeepTimeEveryMs;
                KeepTime(unixMs);
                Write();
            }
        }

        /// <summary>A command of this time, or a later one, was seen before.</summary>
        public bool HasSeen(long issuedAt)
        {
            return issuedAt <= Greatest || IsMisdated(issuedAt);
        }

        /// <summary>
        /// A rightly signed command came and is refused. One that is dated further ahead than a command may be would shut out every rightly
        /// dated one until then: such times are remembered one by one, and only until the next start, which draws another boot.
        /// </summary>
        /// <param name="unixMs">0 while the clock is not set or not trusted.</param>
        /// <returns>False when it is not in flash; until the next start it counts all the same.</returns>
        public bool Refuse(long issuedAt, long unixMs)
        {
            if (unixMs > 0 && issuedAt - unixMs > CommandGate.MaxAheadMs)
            {
                RememberMisdated(issuedAt, unixMs);
                return true;
            }

            if (issuedAt <= Greatest)
            {
                return true;
            }

            if (!_isClockSet)
            {
                // Whether it is dated ahead shows once the clock is set.
                RememberMisdated(issuedAt, 0);
            }

            Greatest = issuedAt;
            return Write();
        }

        /// <summary>To be called before the bolt moves. False: nothing is certain to be stored, the bolt must not move.</summary>
        /// <param name="unixMs">The trusted time. The command's own vouches for it: it may be kept.</param>
        public bool Accept(Command command, long unixMs)
        {
            Greatest = command.IssuedAt;
            KeepTime(unixMs);
            Decision before = _last;
            _last = new Decision(command.Id, command.IssuedAt, Verdict.None);
            if (Write())
            {
                return true;
            }

            _last = before;
            return false;
        }

        /// <summary>Keeps the verdict for after a reboot. If it fails, only that is lost.</summary>
        public bool Settle(Decision decision)
        {
            _last = decision;
            return Write();
        }

        private void JudgeGreatest(long unixMs)
        {
            bool isMisdated = Greatest - unixMs > CommandGate.MaxAheadMs;
            if (isMisdated || (_isIncomplete && Greatest < unixMs - 1))
            {
                Greatest = unixMs - 1;
            }

            _isIncomplete = false;
        }

        private bool IsMisdated(long issuedAt)
        {
            for (int i = 0; i < MostMisdated; i++)
            {
                if (_misdated[i] == issuedAt)
                {
                    return true;
                }
            }

            return issuedAt >= _misdatedFrom && issuedAt <= _misdatedTo;
        }

        /// <summary>In place of one that has expired by now. Those that find no room shut out all that is dated between them.</summary>
        private void RememberMisdated(long issuedAt, long unixMs)
        {
            if (IsMisdated(issuedAt))
            {
                return;
            }

            for (int i = 0; i < MostMisdated; i++)
            {
                if (_misdated[i] == 0 || _misdated[i] + CommandGate.MaxValidityMs < unixMs)
                {
                    _misdated[i] = issuedAt;
                    return;
                }
            }

            bool isOver = _misdatedTo + CommandGate.MaxValidityMs < unixMs;
            _misdatedFrom = isOver || _misdatedFrom == 0 || issuedAt < _misdatedFrom ? issuedAt : _misdatedFrom;
            _misdatedTo = isOver || issuedAt > _misdatedTo ? issuedAt : _misdatedTo;
        }

        private void KeepTime(long unixMs)
        {
            TrustedTime = unixMs > TrustedTime ? unixMs : TrustedTime;
        }

        /// <summary>
        /// In turn, so that the newest record is not touched. Only when the other slot has failed is it written over, or one dead slot
        /// would shut the lock for ever; a power cut in that write loses the memory, which <see cref="Load"/> finds out.
        /// </summary>
        private bool Write()
        {
            return _slots.Write(Encode()) || _slots.WriteOverNewest(Encode());
        }

        private byte[] Encode()
        {
            FlashRecord record = new FlashRecord
            {
                Sequence = _slots.NextSequence(),
                Greatest = Greatest,
                TrustedTime = TrustedTime,
                IsIncomplete = _isIncomplete,
                Decision = _last,
            };
            return record.Encode(_key);
        }
    }
}
