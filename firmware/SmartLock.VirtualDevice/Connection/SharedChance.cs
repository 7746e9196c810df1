using SmartLock.Device;

namespace SmartLock.VirtualDevice.Connection;

internal sealed class SharedChance : IChance
{
    public int Below(int bound) => Random.Shared.Next(bound);
}
