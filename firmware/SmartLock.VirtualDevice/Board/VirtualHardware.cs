using SmartLock.Device;

namespace SmartLock.VirtualDevice.Board;

/// <summary>What a power cut leaves as it is, but for the lights.</summary>
internal sealed class VirtualHardware(VirtualLockOptions options, VirtualLockFaults faults)
{
    public VirtualBolt Bolt { get; } = new(options.InitialStatus, faults);

    public ISlotStore Flash { get; } = options.StateFolder is { } folder ? new FileSlots(folder, options.DeviceId) : new MemorySlots();

    public VirtualLight Red { get; } = new();

    public VirtualLight Green { get; } = new();

    /// <summary>Not the device's: a witness for whoever watches it.</summary>
    public ExecutedCommands Executed { get; } = new();

    public void LightsOff()
    {
        Red.Write(false);
        Green.Write(false);
    }
}
