namespace SmartLock.Device
{
    /// <summary>
    /// Remembers in flash the greatest issued_at that was accepted, and how that command ended, so that neither a reboot nor a power
    /// cut lets an old command move the bolt again or loses a verdict.
    /// </summary>
    internal sealed class AcceptedCommands
    {
        private readonly SlotPair _slots;
        private readonly DeviceKey _key;
        private bool _memoryLost;

        public AcceptedCommands(ISlotStore slots, DeviceKey key)
        {
            _slots = new SlotPair(slots);
            _key = key;
        }

        /// <summary>Unix milliseconds; 0 before the first command.</summary>
        public long Greatest { get; private set; }

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
            _memoryLost = false;
            for (int slot = 0; slot < SlotPair.Slots; slot++)
            {
                FlashRecord record = FlashRecord.Decode(_key, _slots.Read(slot));
                if (record == null)
                {
                    _memoryLost = true;
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

            Greatest = newest.Decision.IssuedAt;
            return newest.Decision.Verdict == Verdict.None ? null : newest.Decision;
        }

        /// <summary>
        /// While the memory is incomplete, nobody knows what was accepted before this start: then nothing that was issued before the
        /// first set clock is accepted.
        /// </summary>
        public void ClockIsSet(long unixMs)
        {
            if (!_memoryLost)
            {
                return;
            }

            _memoryLost = false;
            if (Greatest < unixMs - 1)
            {
                Greatest = unixMs - 1;
            }
        }

        /// <summary>To be called before the bolt moves. False: nothing is certain to be stored, the bolt must not move.</summary>
        public bool Accept(Command command)
        {
            if (!Write(new Decision(command.Id, command.IssuedAt, Verdict.None)))
            {
                return false;
            }

            Greatest = command.IssuedAt;
            return true;
        }

        /// <summary>Keeps the verdict for after a reboot. If it fails, only that is lost.</summary>
        public bool Settle(Decision decision)
        {
            return Write(decision);
        }

        /// <summary>
        /// In turn, so that the newest record is not touched. Only when the other slot has failed is it written over, or one dead slot
        /// would shut the lock for ever; a power cut in that write loses the memory, which <see cref="Load"/> finds out.
        /// </summary>
        private bool Write(Decision decision)
        {
            return _slots.Write(Encode(decision)) || _slots.WriteOverNewest(Encode(decision));
        }

        private byte[] Encode(Decision decision)
        {
            return FlashRecord.Encode(_key, _slots.NextSequence(), decision);
        }
    }
}
