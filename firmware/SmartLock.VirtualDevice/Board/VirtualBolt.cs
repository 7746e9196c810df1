using SmartLock.Device;

namespace SmartLock.VirtualDevice.Board;

/// <summary>A bolt that stays where it is through power cuts.</summary>
internal sealed class VirtualBolt(BoltStatus initial, VirtualLockFaults faults) : IBolt
{
    private volatile int _position = (int)initial;
    private long _movements;

    public BoltStatus Position => (BoltStatus)_position;

    /// <summary>Times that the motor drove the bolt to its end, also when it stood there already.</summary>
    public long Movements => Interlocked.Read(ref _movements);

    public bool Move(bool locked)
    {
        if (faults.Jammed)
        {
            return false;
        }

        _position = (int)(locked ? BoltStatus.Locked : BoltStatus.Unlocked);
        Interlocked.Increment(ref _movements);
        return true;
    }

    public void TurnByHand(BoltStatus position) => _position = (int)position;
}
