using SmartLock.Device;

namespace SmartLock.Firmware
{
    /// <summary>Two small files side by side. A power cut tears at most the one that is being written; its record's MAC tells.</summary>
    internal sealed class FileSlots : ISlotStore
    {
        private const int MaxRecordLength = 2048;

        private readonly string _path;

        /// <param name="root">Of the flash, with the separator at its end.</param>
        public FileSlots(string root, string name)
        {
            _path = root + name + ".";
        }

        public byte[] Read(int slot)
        {
            return SmallFile.Read(_path + slot.ToString(), MaxRecordLength);
        }

        public bool Write(int slot, byte[] record)
        {
            SmallFile.Write(_path + slot.ToString(), record);
            return true;
        }
    }
}
