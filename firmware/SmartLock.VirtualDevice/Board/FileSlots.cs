using SmartLock.Device;

namespace SmartLock.VirtualDevice.Board;

/// <summary>Flash as two small files per device.</summary>
internal sealed class FileSlots : ISlotStore
{
    private const int MaxRecordLength = 4096;

    private readonly string[] _paths;

    /// <exception cref="IOException">The folder cannot be made.</exception>
    public FileSlots(string folder, string deviceId)
    {
        Directory.CreateDirectory(folder);
        var name = "device-" + Uri.EscapeDataString(deviceId);
        _paths = [Path.Combine(folder, name + ".slot0"), Path.Combine(folder, name + ".slot1")];
    }

    public byte[]? Read(int slot)
    {
        var file = new FileInfo(_paths[slot]);
        if (!file.Exists)
        {
            return null;
        }

        return file.Length <= MaxRecordLength
            ? File.ReadAllBytes(file.FullName)
            : throw new InvalidDataException($"{file.Name} is no record.");
    }

    public bool Write(int slot, byte[] record)
    {
        using var file = new FileStream(_paths[slot], FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        file.Write(record);

        // Down to the disk: the brain moves the bolt on the strength of this.
        file.Flush(flushToDisk: true);
        return true;
    }
}
