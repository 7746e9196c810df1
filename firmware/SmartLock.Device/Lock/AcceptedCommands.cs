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
        public Decision Load()
        {
            FlashRecord newest = null;
            bool anything = false;
            for (int slot = 0; slot < 2; slot++)
            {
                byte[] bytes = Read(slot, out bool failed);
                anything |= failed || (bytes != null && bytes.Length > 0);
                FlashRecord record = FlashRecord.Decode(_key, bytes);
                if (record != null && (newest == null || record.Sequence > newest.Sequence))
                {
                    newest = record;
                    _nextSlot = 1 - slot;
                }
            }

            _memoryLost = anything && newest == null;
            if (newest == null)
            {
                return null;
            }

            _sequence = newest.Sequence;
            Greatest = newest.Decision.IssuedAt;
            return newest.Decision.Verdict == Verdict.None ? null : newest.Decision;
        }

        /// <summary>
        /// When flash held something that could not be read, nobody knows what was accepted before this start: then nothing issued
        /// before the first set clock is.
        /// </summary>
        public void ClockIsSet(long unixMs)
        {
            if (!_memoryLost)
            {
                return;
            }

            _memoryLost = false;
            Greatest = unixMs;
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

        private bool Write(Decision decision)
        {
            byte[] record = FlashRecord.Encode(_key, _sequence + 1, decision);
            bool written;
            try
            {
                written = _slots.Write(_nextSlot, record);
            }
            catch (Exception)
            {
                written = false;
            }

            // A worn flash may take a write and keep something else.
            byte[] kept = written ? Read(_nextSlot, out _) : null;
            if (kept == null || !DeviceKey.Same(kept, record))
            {
                return false;
            }

            _sequence++;
            _nextSlot = 1 - _nextSlot;
            return true;
        }

        private byte[] Read(int slot, out bool failed)
        {
            failed = false;
            try
            {
                return _slots.Read(slot);
            }
            catch (Exception)
            {
                failed = true;
                return null;
            }
        }
    }
}
