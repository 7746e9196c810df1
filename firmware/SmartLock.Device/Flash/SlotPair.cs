using System;

namespace SmartLock.Device
{
    /// <summary>
    /// Two slots written in turn, so that the newest record is not touched by a write. What a record looks like, and whether one is
    /// whole, is the user's business; this counts the sequence, takes turns and reads back. Nothing that the store throws gets out.
    /// </summary>
    internal sealed class SlotPair
    {
        public const int Slots = 2;

        private readonly ISlotStore _store;
        private long _sequence;
        private int _nextSlot;

        public SlotPair(ISlotStore store)
        {
            _store = store;
        }

        /// <summary>Of the last record that was found or encoded.</summary>
        public long Sequence
        {
            get { return _sequence; }
        }

        /// <summary>Null also when the slot cannot be read.</summary>
        public byte[] Read(int slot)
        {
            try
            {
                return _store.Read(slot);
            }
            catch (Exception)
            {
                return null;
            }
        }

        /// <summary>Where the newest whole record was found, and its sequence, which this never goes back behind.</summary>
        public void Continue(int newestSlot, long sequence)
        {
            _nextSlot = 1 - newestSlot;
            if (sequence > _sequence)
            {
                _sequence = sequence;
            }
        }

        /// <summary>
        /// For each attempt to write its own, also after one that failed: what a failing slot kept all the same must not be as new as
        /// the next record.
        /// </summary>
        public long NextSequence()
        {
            _sequence++;
            return _sequence;
        }

        /// <summary>To the slot whose turn it is. True only once it has been read back.</summary>
        public bool Write(byte[] record)
        {
            return WriteTo(_nextSlot, record);
        }

        /// <summary>
        /// For when the slot whose turn it is has failed, or one dead slot would end all writing for ever. A power cut in this write
        /// leaves no whole record but an older one that the dead slot may hold.
        /// </summary>
        public bool WriteOverNewest(byte[] record)
        {
            return WriteTo(1 - _nextSlot, record);
        }

        private bool WriteTo(int slot, byte[] record)
        {
            bool written;
            try
            {
                written = _store.Write(slot, record);
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
    }
}
