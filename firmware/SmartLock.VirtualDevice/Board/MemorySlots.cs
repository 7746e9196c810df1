using SmartLock.Device;

namespace SmartLock.VirtualDevice.Board;

/// <summary>Flash that lives as long as the object: through power cuts, not through the process's end.</summary>
internal sealed class MemorySlots : ISlotStore
{
    private byte[]? _first;
    private byte[]? _second;

    public byte[]? Read(int slot) => slot == 0 ? _first : _second;

    public bool Write(int slot, byte[] record)
    {
        if (slot == 0)
        {
            _first = record;
        }
        else
        {
            _second = record;
        }

        return true;
    }
}
