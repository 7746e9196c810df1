namespace SmartLock.Device
{
    /// <summary>
    /// Keeps the settings in two slots of their own. A power cut at any point of a write leaves the old settings or the new, whole. Not
    /// encrypted: who holds the board can read them out of its flash.
    /// </summary>
    public sealed class SettingsStore
    {
        private readonly SlotPair _slots;

        /// <param name="slots">Not the slots of the accepted commands.</param>
        public SettingsStore(ISlotStore slots)
        {
            _slots = new SlotPair(slots);
        }

        /// <summary>
        /// The newest whole record. Null when there is none, when the settings were forgotten, or when this firmware does not take
        /// them: an older record, perhaps of another owner, is not gone back to then.
        /// </summary>
        public DeviceSettings Load()
        {
            SettingsRecord newest = Newest();
            if (newest == null)
            {
                return null;
            }

            if (newest.Payload.Length == 0)
            {
                FinishForgetting();
                return null;
            }

            return SettingsReader.Read(newest.Payload, out string _);
        }

        /// <summary>
        /// True once they are in the flash. What is stored already is not written again, so that a file that is read at each start
        /// does not wear the flash. Settings that <see cref="SettingsReader"/> would refuse are not stored.
        /// </summary>
        public bool Save(DeviceSettings settings)
        {
            if (SettingsDraft.From(settings).Complete(out string _) == null)
            {
                return false;
            }

            byte[] json = SettingsWriter.Write(settings);
            SettingsRecord newest = Newest();
            if (newest != null && DeviceKey.Same(newest.Payload, json))
            {
                return true;
            }

            // Twice before it counts as dead: only then is the newest record, the last whole one perhaps, written over.
            return _slots.Write(Encode(json)) || _slots.Write(Encode(json)) || _slots.WriteOverNewest(Encode(json));
        }

        /// <summary>
        /// Writes over both slots. True once both are; after a power cut between them, <see cref="Load"/> goes on with it. A file system
        /// that writes elsewhere may leave the old bytes in the chip: a lock that changes hands needs a new key.
        /// </summary>
        public bool Forget()
        {
            // The sequence goes on from what is stored, or an old record would be newer than its end.
            Newest();
            byte[] nothing = new byte[0];
            bool older = _slots.Write(Encode(nothing));
            bool newer = older ? _slots.Write(Encode(nothing)) : _slots.WriteOverNewest(Encode(nothing));
            return older && newer;
        }

        private void FinishForgetting()
        {
            for (int slot = 0; slot < SlotPair.Slots; slot++)
            {
                byte[] kept = _slots.Read(slot);
                SettingsRecord record = SettingsRecord.Decode(kept);
                bool forgotten = record != null && record.Payload.Length == 0;
                if (kept != null && kept.Length > 0 && !forgotten)
                {
                    // Only the other slot can be meant: the newest record is one without settings.
                    _slots.Write(Encode(new byte[0]));
                }
            }
        }

        private SettingsRecord Newest()
        {
            SettingsRecord newest = null;
            for (int slot = 0; slot < SlotPair.Slots; slot++)
            {
                SettingsRecord record = SettingsRecord.Decode(_slots.Read(slot));
                if (record != null && (newest == null || record.Sequence > newest.Sequence))
                {
                    newest = record;
                    _slots.Continue(slot, record.Sequence);
                }
            }

            return newest;
        }

        private byte[] Encode(byte[] json)
        {
            return SettingsRecord.Encode(_slots.NextSequence(), json);
        }
    }
}
