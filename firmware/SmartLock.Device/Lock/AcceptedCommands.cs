using System;

namespace SmartLock.Device
{
    /// <summary>
    /// Remembers in flash the greatest issued_at that was accepted, and how that command ended, so that neither a reboot nor a power
    /// cut lets an old command move the bolt again or loses a verdict.
    /// </summary>
    internal sealed class AcceptedCommands
    {
        private readonly ISlotStore _slots;
        private readonly DeviceKey _key;
        private long _sequence;
        private int _nextSlot;
        private bool _memoryLost;

        public AcceptedCommands(ISlotStore slots, DeviceKey key)
        {
            _slots = slots;
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
            for (int slot = 0; slot < 2; slot++)
            {
                FlashRecord record = FlashRecord.Decode(_key, Read(slot));
                if (record == null)
                {
                    _memoryLost = true;
                }
                else if (newest == null || record.Sequence > newest.Sequence)
                {
                    newest = record;
                    _nextSlot = 1 - slot;
                }
            }

            if (newest == null)
            {
                return null;
            }

            _sequence = newest.Sequence;
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
            return WriteTo(_nextSlot, decision) || WriteTo(1 - _nextSlot, decision);
        }

        private bool WriteTo(int slot, Decision decision)
        {
            // Counted also when it fails: what a failing slot kept all the same must not be as new as the next record.
            _sequence++;
            byte[] record = FlashRecord.Encode(_key, _sequence, decision);
            bool written;
            try
            {
                written = _slots.Write(slot, record);
            }
            catch (Exception)
            {
                written = false;
            }

            // A worn flash may take a write and keep something else.
            byte[] kept = written ? Read(slot) : null;
            if (kept == null || !DeviceKey.Same(kept, record))
            {
                return false;
            }

            _nextSlot = 1 - slot;
            return true;
        }

        /// <summary>Null also when the slot cannot be read.</summary>
        private byte[] Read(int slot)
        {
            try
            {
                return _slots.Read(slot);
            }
            catch (Exception)
            {
                return null;
            }
        }
    }
}
